-- What pandoc's typst writer does not write as template.typ wants it: floats, tables,
-- images and formulas with the words that stand for them, callouts, columns.
-- Runs last, when references and citations are links.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local folder = pandoc.path.directory(PANDOC_STATE.output_file)
local most_rows = 28 -- of a table that stays on one page
local widest = 62 -- ems of type of 7.5 points beside each other on a page
local inset = 4 -- ems that a callout or a list takes of them
local n_images = 0
local top_level
local levels = {}

local function typst(text)
  return pandoc.RawBlock("typst", text)
end

local function quoted(text)
  text = text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ")
  return '"' .. text:match("^ ?(.-) ?$") .. '"'
end

-- Blocks as one argument of a function, `[...]`. What becomes several blocks is put into
-- a div, so that it stays one argument of what is around it.
local function argument(before, content, after)
  local result = pandoc.Blocks({typst(before .. "[")})
  result:extend(content)
  result:insert(typst("]" .. after))
  return result
end

local function name_of(el)
  return el.identifier ~= "" and quoted(el.identifier) or "none"
end

local function plain(inlines)
  return pandoc.Blocks({pandoc.Plain(inlines)})
end

-- Images and formulas ------------------------------------------------------------

-- The file is copied beside the document, the only folder that typst may read.
local function image(el)
  local ok, kind, content = pcall(pandoc.mediabag.fetch, el.src)
  if not ok or not content then
    if el.src:match("^%a*:?//") then return nil end -- complained about already
    elements.complain("absent", el.src)
    return nil
  end
  n_images = n_images + 1
  local _, extension = pandoc.path.split_extension(el.src)
  local name = "media-" .. n_images .. extension
  local file = assert(io.open(pandoc.path.join({folder, name}), "wb"))
  file:write(content)
  file:close()
  local alt = el.attributes.alt or pandoc.utils.stringify(el.caption)
  if alt == "" then alt = "An image without description" end
  local width = el.attributes.width or ""
  local pixels = width:match("^([%d.]+)p?x?$")
  local size = pixels and pixels / 96 .. "in" or width:match("^[%d.]+[%%cimnpt]+$") or "none"
  local place = el.classes:includes("in-text") and "#sign(" or "#picture("
  return pandoc.RawInline("typst", place .. quoted(name) .. ", alt: "
    .. quoted(alt) .. ", width: " .. size .. ")")
end

-- An image with text beside it stands in the line.
local function in_text(el)
  if #el.content == 1 then return nil end
  return el:walk({
    Image = function(image)
      image.classes:insert("in-text")
      return image
    end,
  })
end

local function formula(el)
  local inner = pandoc.write(pandoc.Pandoc({pandoc.Plain({el})}), "typst")
  inner = inner:gsub("%s+$", "")
  local block = el.mathtype == "DisplayMath" and "true" or "false"
  return pandoc.RawInline("typst", "#math.equation(block: " .. block .. ", alt: "
    .. quoted(el.text) .. ", " .. inner .. ".body)")
end

local function equation(el)
  if not el.classes:includes("equation") then return nil end
  local number = pandoc.utils.stringify(el.content[2])
  return {
    pandoc.RawInline("typst", "#numbered-equation(" .. quoted(el.identifier) .. ", "
      .. quoted(number) .. ")["),
    el.content[1],
    pandoc.RawInline("typst", "]"),
  }
end

-- Tables -------------------------------------------------------------------------

local alignments = {AlignLeft = "left", AlignRight = "right", AlignCenter = "center"}

-- Numbers with their intervals stay on one line, and what the table says should.
local function unbroken(el)
  local text = pandoc.utils.stringify(el.contents)
  local is_number = utf8.len(text) <= 28 and text:match("^[%s%d(<>\u{2212}-]")
  if not is_number and not (el.attributes.style or ""):match("nowrap") then
    return el.contents
  end
  return el.contents:walk({
    Space = function() return pandoc.Str("\u{a0}") end,
  })
end

local function longer(one, other)
  return (utf8.len(one) or 0) > (utf8.len(other) or 0) and one or other
end

-- The longest word and the longest line of a column, from which its width follows.
local function measured(content, column, state)
  local lines = content:walk({LineBreak = function() return pandoc.Str("\n") end})
  for line in pandoc.utils.stringify(lines):gmatch("[^\n]+") do
    state.lines[column] = longer(line, state.lines[column] or "")
    for word in line:gmatch("[^ ]+") do
      state.words[column] = longer(word, state.words[column] or "")
    end
  end
end

local function cell(el, column, state, head)
  local content = unbroken(el)
  if el.col_span == 1 then measured(content, column, state) end
  local options = {}
  local align = alignments[el.alignment] or state.align[column]
  if head then
    table.insert(options, "align: bottom + " .. align)
  elseif align ~= state.align[column] then
    table.insert(options, "align: " .. align)
  end
  if el.col_span > 1 then table.insert(options, "colspan: " .. el.col_span) end
  if el.row_span > 1 then table.insert(options, "rowspan: " .. el.row_span) end
  if head and el.col_span > 1 and #pandoc.utils.stringify(content) > 0 then
    table.insert(options, "stroke: (bottom: 0.4pt)")
  end
  return argument("table.cell(" .. table.concat(options, ", ") .. ")", content, ",")
end

local function rows_of(rows, state, head)
  local result = pandoc.Blocks({})
  for _, places in ipairs(elements.grid(rows, state.n)) do
    for _, place in ipairs(places) do
      if not place.continued then
        result:extend(cell(place.cell, place.column, state, head))
      end
    end
  end
  return result
end

local function names_rows(row, n_columns)
  return #row.cells == 1 and row.cells[1].col_span == n_columns
end

local function body_of(body, state)
  local result = pandoc.Blocks({})
  local rows = pandoc.List({})
  local function flush()
    result:extend(rows_of(rows, state))
    rows = pandoc.List({})
  end
  for _, part in ipairs({body.head, body.body}) do
    for _, row in ipairs(part) do
      if names_rows(row, state.n) then
        flush()
        result:insert(typst("table.header(level: 2, repeat: false,"))
        result:extend(rows_of({row}, state))
        result:insert(typst("),"))
      else
        rows:insert(row)
      end
    end
  end
  flush()
  return result
end

local function data_table(el)
  local state = {n = #el.colspecs, align = {}, words = {}, lines = {}}
  for i, spec in ipairs(el.colspecs) do state.align[i] = alignments[spec[1]] or "left" end
  local content = pandoc.Blocks({})
  if #el.head.rows > 0 then
    content:insert(typst("table.header(table.hline(stroke: 0.8pt),"))
    content:extend(rows_of(el.head.rows, state, true))
    content:insert(typst("table.hline(stroke: 0.5pt)),"))
  else
    content:insert(typst("table.hline(stroke: 0.8pt),"))
  end
  for _, body in ipairs(el.bodies) do content:extend(body_of(body, state)) end
  content:extend(rows_of(el.foot.rows, state))
  content:insert(typst("table.hline(stroke: 0.8pt),"))
  local function list(texts)
    local result = ""
    for i = 1, state.n do result = result .. quoted(texts[i] or "") .. ", " end
    return "(" .. result .. ")"
  end
  local blocks = pandoc.Blocks({typst("#data-table((" .. table.concat(state.align, ", ")
    .. ",), " .. list(state.words) .. ", " .. list(state.lines) .. ",")})
  blocks:extend(content)
  blocks:insert(typst(")"))
  return pandoc.Div(blocks)
end

-- Floats and blocks ----------------------------------------------------------------

local function float(el)
  local kind = elements.kind(el, "float") or "fig"
  local caption = pandoc.utils.blocks_to_inlines(el.caption.long)
  local blocks = argument("#float(" .. quoted(kind) .. ", " .. name_of(el) .. ", ",
    #caption > 0 and plain(caption) or {}, ",")
  for _, part in ipairs(el.content) do blocks:extend(argument("", {part}, ",")) end
  blocks:insert(typst("whole: " .. (el.attributes.whole or "true") .. ")"))
  return pandoc.Div(blocks)
end

-- How many ems the longest words of a table need beside each other.
local function ems(el)
  local state = {words = {}, lines = {}}
  for _, part in ipairs(elements.parts(el)) do
    for _, places in ipairs(elements.grid(part[1], #el.colspecs)) do
      for _, place in ipairs(places) do
        if place.cell.col_span == 1 then
          measured(unbroken(place.cell), place.column, state)
        end
      end
    end
  end
  local sum = 0
  for _, word in pairs(state.words) do sum = sum + 0.5 * (utf8.len(word) or 0) + 1 end
  return sum
end

local function is_short(el)
  return elements.n_rows(el) <= most_rows
end

-- A short table and the notes below it stay on one page; a float stays as a whole.
local function together(blocks)
  local result = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local before = result[#result]
    local is_notes = block.t == "Div" and block.classes:includes("table-notes")
    if is_notes and before and before.t == "Table" and is_short(before) then
      result[#result] = pandoc.Div({before, block}, {class = "kept"})
    else
      result:insert(block)
    end
  end
  return result
end

local function is_whole(el)
  el.content:walk({
    Table = function(inner)
      if not is_short(inner) then el.attributes.whole = "false" end
    end,
  })
  return el
end

local function callout(el)
  local kind = elements.kind(el, "callout")
  local title, body = el.content[1], el.content[2]
  local blocks = argument("#callout(" .. quoted(kind) .. ", " .. name_of(el) .. ", ",
    title.content, ")[")
  blocks:extend(body.content)
  blocks:insert(typst("]"))
  return pandoc.Div(blocks)
end

local function columns_grid(el)
  local blocks = pandoc.Blocks({typst("#panels(" .. el.attributes.columns .. ",")})
  for _, block in ipairs(el.content) do blocks:extend(argument("", {block}, ",")) end
  blocks:insert(typst(")"))
  return pandoc.Div(blocks)
end

-- Functions of the template that take the content of a div, by its class.
local named = {"tab-title", "table-notes", "output", "kept"}

local function div(el)
  local classes = el.classes
  if classes:includes("callout") then return callout(el) end
  if classes:includes("columns-grid") then return columns_grid(el) end
  if classes:includes("pagebreak") then return typst("#pagebreak(weak: true)") end
  if classes:includes("csl-entry") then
    return pandoc.Div(argument("#reference(" .. name_of(el) .. ")", el.content, ""))
  end
  for _, name in ipairs(named) do
    if classes:includes(name) then
      return pandoc.Div(argument("#" .. name, el.content, ""))
    end
  end
end

-- A heading is at most one level below the one before it, as accessible PDF wants it.
local function header(el)
  local level = el.level - top_level + 1
  while #levels > 0 and levels[#levels][1] >= level do table.remove(levels) end
  table.insert(levels, {level})
  el.level = #levels
  return el
end

-- Whether a block is nothing but the blocks in it, one after the other.
local function is_sequence(block)
  local classes = block.t == "Div" and block.identifier == "" and block.classes
  return classes
    and (#classes == 0 or classes:includes("tabset") or classes:includes("tab-panel"))
end

-- A table that is too wide has a page on its side, with what it cannot be parted from.
local function turned(blocks)
  local result = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local needed = 0
    pandoc.Blocks({block}):walk({
      Table = function(el) needed = math.max(needed, ems(el)) end,
    })
    if block.t ~= "Table" and block.t ~= "Figure" then needed = needed + inset end
    if needed <= widest then
      result:insert(block)
    elseif is_sequence(block) then
      result:extend(turned(block.content))
    else
      result:extend(argument("#wide-page(" .. needed .. ")", {block}, ""))
    end
  end
  return result
end

function Pandoc(doc)
  top_level = elements.top_level(doc)
  doc = doc:walk({
    Header = header,
    Span = equation,
    Para = in_text,
    Plain = in_text,
    Figure = is_whole,
    Blocks = together,
  })
  doc.blocks = turned(doc.blocks)
  return doc:walk({
    Image = image,
    Math = formula,
    Table = data_table,
    Figure = float,
    Div = div,
  })
end
