-- What several filters know of the elements of a document.

local elements = {}

local is_html = FORMAT:match("html") ~= nil

-- What can be referred to, by the beginning of its label.
elements.words = {
  fig = "Figure", tbl = "Table", lst = "Listing", eq = "Equation", sec = "Section",
}

function elements.kind_of(label)
  local kind = label:match("^(%a+)%-.")
  return elements.words[kind] and kind or nil
end

-- The label that a citation refers to, if it is none of the literature.
function elements.label_of(citation)
  local label = citation.id:gsub("^%u", string.lower)
  return elements.kind_of(label) and label or nil
end

-- Tell the caller, who names the line of the document, what a reader could not follow.
function elements.complain(kind, what)
  io.stderr:write("fahrstats " .. kind .. " " .. what .. "\n")
end

function elements.escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

function elements.html(text)
  return pandoc.RawBlock("html", text)
end

-- Blocks side by side: by style sheet in a browser, elsewhere by the format's filter.
function elements.columns_grid(content, columns)
  local attributes = is_html and {style = "--columns: " .. columns} or {columns = columns}
  return pandoc.Div(content, pandoc.Attr("", {"columns-grid"}, attributes))
end

-- The kind that a class names: `note` of `callout-note` for the prefix `callout`.
function elements.kind(el, prefix)
  local kind
  for _, class in ipairs(el.classes) do
    kind = class:match("^" .. prefix .. "%-(%a+)$") or kind
  end
  return kind
end

-- The level of the highest heading.
function elements.top_level(doc)
  local top = 6
  doc:walk({Header = function(el) top = math.min(top, el.level) end})
  return top
end

-- All that has a name, in raw HTML too where that is kept.
function elements.names(doc)
  local names = {}
  local function named(el)
    if el.identifier then names[el.identifier] = true end
    if is_html and el.format == "html" then
      for name in el.text:gmatch("%sid%s*=%s*[\"']?([^\"'%s>]+)") do names[name] = true end
    end
  end
  doc:walk({Block = named, Inline = named})
  return names
end

-- The rows of a table by part, as {rows, is_head}.
function elements.parts(el)
  local parts = {{el.head.rows, true}}
  for _, body in ipairs(el.bodies) do
    table.insert(parts, {body.head, false})
    table.insert(parts, {body.body, false})
  end
  table.insert(parts, {el.foot.rows, false})
  return parts
end

function elements.n_rows(el)
  local n = 0
  for _, part in ipairs(elements.parts(el)) do n = n + #part[1] end
  return n
end

-- The rows of a part as lists of {cell, column, continued}: where a cell from above
-- reaches down, `continued` stands for it.
function elements.grid(rows, n_columns)
  local result = {}
  local reach = {}
  for r, row in ipairs(rows) do
    local places, column, at = {}, 1, 1
    while column <= n_columns do
      local above = reach[column]
      if above and above.rows > 0 then
        above.rows = above.rows - 1
        table.insert(places, {cell = above.cell, column = column, continued = true})
        column = column + above.cell.col_span
      else
        local cell = row.cells[at]
        if not cell then break end
        at = at + 1
        table.insert(places, {cell = cell, column = column, last_row = r + cell.row_span - 1})
        reach[column] = {cell = cell, rows = cell.row_span - 1}
        column = column + cell.col_span
      end
    end
    table.insert(result, places)
  end
  return result
end

return elements
