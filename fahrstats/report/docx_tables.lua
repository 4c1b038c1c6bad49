-- Tables for Word: with rules, and columns as wide as what stands in them.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local openxml = dofile(pandoc.path.join({here, "openxml.lua"}))
local raw, styled, empty = openxml.raw, openxml.styled, openxml.empty

local most_kept = 32 -- rows of a table that stays on one page
local em = 170 -- of the text in tables
local cell_margin = 120
local roomy = 300 -- added to each column of a table that has room
local indent_width = 170
local em_space = "\u{2003}"

-- Widths of tables -----------------------------------------------------------------

-- Shares of an em that Arial gives to its signs; letters and digits have 0.556.
local breadths = {
  {"[ijl|']", 0.222}, {"[ftI .,:;/%[%]!]", 0.278}, {"[%(%)r%-]", 0.333}, {"[ckvxyzsJ]", 0.5},
  {"[+=<>~]", 0.584}, {"[ABEKPSVXYTFL&]", 0.667}, {"[CDHNRUGOQw]", 0.778}, {"[mMW%%@]", 0.889},
}

local function breadth(text)
  local sum = 0
  for _, code in utf8.codes(text) do
    local char, share = utf8.char(code), 0.556
    for _, entry in ipairs(#char == 1 and breadths or {}) do
      if char:match(entry[1]) then share = entry[2] end
    end
    sum = sum + share
  end
  return math.ceil(sum * em * 1.03)
end

local function text_of(cell)
  local lines = cell.contents:walk({LineBreak = function() return pandoc.Str("\n") end})
  return pandoc.utils.stringify(lines)
end

local function is_unbroken(cell)
  return (cell.attributes.style or ""):match("nowrap") ~= nil
end

-- Least and best width of a cell: its longest word and its longest line.
local function needs(cell, is_head)
  local least, best = 0, 0
  for text in text_of(cell):gmatch("[^\n]+") do
    best = math.max(best, breadth(text))
    for word in text:gmatch("[^ ]+") do least = math.max(least, breadth(word)) end
  end
  if is_unbroken(cell) then least = best end
  local bold = is_head and 1.1 or 1
  local more = cell_margin + (cell.classes:includes("indent") and indent_width or 0)
  return math.ceil(least * bold) + more, math.ceil(best * bold) + more
end

local function sum(values)
  local total = 0
  for _, value in ipairs(values) do total = total + value end
  return total
end

-- Least and best widths of all columns. A cell over several columns makes each of
-- them wider where together they are too narrow.
local function column_needs(el)
  local n = #el.colspecs
  local least, best = {}, {}
  for c = 1, n do least[c], best[c] = 2 * cell_margin, 2 * cell_margin end
  local spanning = {}
  for _, part in ipairs(elements.parts(el)) do
    for _, places in ipairs(elements.grid(part[1], n)) do
      for _, place in ipairs(places) do
        local cell, c = place.cell, place.column
        local low, high = needs(cell, part[2])
        if cell.col_span == 1 then
          least[c], best[c] = math.max(least[c], low), math.max(best[c], high)
        else
          table.insert(spanning, {c, c + cell.col_span - 1, low, high})
        end
      end
    end
  end
  for _, span in ipairs(spanning) do
    local first, last, low, high = table.unpack(span)
    for _, pair in ipairs({{least, low}, {best, last - first + 1 < n and high or low}}) do
      local missing = pair[2] - sum({table.unpack(pair[1], first, last)})
      for c = first, last do
        pair[1][c] = pair[1][c] + math.max(0, missing // (last - first + 1))
      end
    end
  end
  for c = 1, n do best[c] = math.max(best[c], least[c]) end
  return least, best
end

-- Widths as a browser shares them: what each column wants if there is room, else more
-- to those that want more.
local function widths(el, available)
  local least, best = column_needs(el)
  local low, high = sum(least), sum(best)
  local result = {}
  for c = 1, #best do
    if high <= available then
      result[c] = best[c] + math.min(roomy, (available - high) // #best)
    elseif low < available then
      result[c] = least[c] + (best[c] - least[c]) * (available - low) // (high - low)
    else
      result[c] = least[c] * available // low
    end
  end
  return result
end

-- Tables -----------------------------------------------------------------------------

local ends = {AlignRight = " Right", AlignCenter = " Center"}

local function cell_style(cell, spec, is_head)
  local indent = 0
  local text = text_of(cell)
  while text:sub(1, #em_space) == em_space do
    indent, text = indent + 1, text:sub(#em_space + 1)
  end
  if indent > 0 and not is_head then
    return indent == 1 and "Table Indent" or "Table Indent Twice"
  end
  local alignment = cell.alignment ~= "AlignDefault" and cell.alignment or spec[1]
  return (is_head and "Table Head" or "Table Text") .. (ends[alignment] or "")
end

-- Indents are of the paragraph, and what stays on one line has no other spaces.
local function cell_content(cell, style)
  local blocks = cell.contents:walk({
    Str = function(el)
      el.text = el.text:gsub("^" .. em_space .. "+", "")
      return el
    end,
    Space = is_unbroken(cell) and function() return pandoc.Str("\u{a0}") end or nil,
    Plain = function(el) return pandoc.Para(el.content) end,
    Code = function(el)
      return pandoc.Span(el.text, {["custom-style"] = "Table Code"})
    end,
  })
  local last = blocks[#blocks]
  if not last then return empty(style) end
  if last.t == "Table" then blocks:insert(empty(style)) end -- a cell ends in a paragraph
  return styled(style, blocks)
end

local function border(edge, size)
  return "<w:" .. edge .. ' w:val="single" w:sz="' .. size .. '" w:space="0" w:color="1C1F23"/>'
end

local function cell_properties(place, width, context)
  local cell = place.cell
  local is_last = context.is_head and (place.last_row or context.row) >= context.n_rows
  local is_over = context.is_head and cell.col_span > 1 and #text_of(cell) > 0
  return "<w:tcPr>" .. '<w:tcW w:w="' .. width .. '" w:type="dxa"/>'
    .. (cell.col_span > 1 and '<w:gridSpan w:val="' .. cell.col_span .. '"/>' or "")
    .. (place.continued and "<w:vMerge/>"
      or cell.row_span > 1 and '<w:vMerge w:val="restart"/>' or "")
    .. ((is_last or is_over) and "<w:tcBorders>" .. border("bottom", is_last and 6 or 4)
      .. "</w:tcBorders>" or "")
    .. (context.is_head and '<w:vAlign w:val="bottom"/>' or "") .. "</w:tcPr>"
end

local function row_of(places, el, columns, context)
  local properties = "<w:cantSplit/>" .. (context.is_head and "<w:tblHeader/>" or "")
  local blocks = pandoc.Blocks({raw("<w:tr><w:trPr>" .. properties .. "</w:trPr>")})
  for _, place in ipairs(places) do
    local cell, c = place.cell, place.column
    local width = sum({table.unpack(columns, c, c + cell.col_span - 1)})
    local style = cell_style(cell, el.colspecs[c], context.is_head)
    if context.is_kept and not style:match("^Table Head") then style = style .. " Kept" end
    blocks:insert(raw("<w:tc>" .. cell_properties(place, width, context)))
    blocks:insert(place.continued and empty(style) or cell_content(cell, style))
    blocks:insert(raw("</w:tc>"))
  end
  blocks:insert(raw("</w:tr>"))
  return blocks
end

local function data_table(el, available, caption)
  local columns = widths(el, available)
  local shares = {}
  for c, width in ipairs(columns) do shares[c] = '<w:gridCol w:w="' .. width .. '"/>' end
  local words = caption or pandoc.utils.stringify(el.caption.long)
  local blocks = pandoc.Blocks({raw('<w:tbl><w:tblPr><w:tblStyle w:val="Table"/>'
    .. '<w:tblW w:w="' .. sum(columns) .. '" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
    .. '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" '
    .. 'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
    .. (words ~= "" and '<w:tblCaption w:val="' .. elements.escape(words) .. '"/>' or "")
    .. "</w:tblPr><w:tblGrid>" .. table.concat(shares) .. "</w:tblGrid>")})
  local is_kept = elements.n_rows(el) <= most_kept
  for _, part in ipairs(elements.parts(el)) do
    local rows = elements.grid(part[1], #columns)
    for r, places in ipairs(rows) do
      local context = {is_head = part[2], row = r, n_rows = #rows, is_kept = is_kept}
      blocks:extend(row_of(places, el, columns, context))
    end
  end
  blocks:insert(raw("</w:tbl>"))
  return blocks
end

return {
  data_table = data_table,
  least_width = function(el) return sum((column_needs(el))) end,
  cell_margin = cell_margin,
}
