-- What pandoc's Word writer does not write as a journal wants it: the title block, the
-- contents, captions, tables with rules and widths, callouts, wide tables on pages of
-- their own. Styles are those of reference.docx; the page is that of template.openxml.
-- Runs last, when references and citations are links.

local paper = PANDOC_WRITER_OPTIONS.variables.letter and {12240, 15840} or {11906, 16838}
local margin = 1417 -- twips, twentieths of a point; so are all widths here
local portrait = paper[1] - 2 * margin
local landscape = paper[2] - 2 * margin
local available = portrait
local tallest = paper[2] - 2 * margin - 1200 -- of a figure, with its caption below

local most_kept = 32 -- rows of a table that stays on one page
local em = 170 -- of the text in tables
local cell_margin = 120
local roomy = 300 -- added to each column of a table that has room
local indent_width = 170
local em_space = "\u{2003}"

local function raw(text)
  return pandoc.RawBlock("openxml", text)
end

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

local function styled(style, content, id)
  local attributes = {["custom-style"] = style}
  return pandoc.Div(content, pandoc.Attr(id or "", {}, attributes))
end

local function line(style, inlines)
  return styled(style, {pandoc.Para(inlines)})
end

local function empty(style)
  return raw('<w:p><w:pPr><w:pStyle w:val="' .. style:gsub(" ", "") .. '"/></w:pPr></w:p>')
end

-- Title block and contents ---------------------------------------------------------

local kept = {"title", "author", "lang", "keywords", "description", "fahrstats-key"}

local function inlines_of(value)
  if not value then return nil end
  if pandoc.utils.type(value) == "Blocks" then
    return pandoc.utils.blocks_to_inlines(value)
  end
  if pandoc.utils.type(value) == "Inlines" then return value end
  return pandoc.Inlines(pandoc.utils.stringify(value))
end

local function blocks_of(value)
  if pandoc.utils.type(value) == "Blocks" then return value end
  return pandoc.Blocks({pandoc.Para(inlines_of(value))})
end

local function title_block(meta)
  local result = pandoc.Blocks({})
  local function put(style, value)
    if value then result:insert(line(style, inlines_of(value))) end
  end
  put("Title", meta.title)
  put("Subtitle", meta.subtitle)
  for _, author in ipairs(meta["by-author"] or {}) do
    put("Author", author.name)
    put("Affiliation", author.affiliation)
    if author.orcid then
      local id = pandoc.utils.stringify(author.orcid)
      put("Affiliation", pandoc.Inlines({
        pandoc.Str("ORCID "), pandoc.Link(id, "https://orcid.org/" .. id),
      }))
    end
  end
  put("Date", meta.date)
  if meta.abstract then
    put("Abstract Title", meta["abstract-title"])
    result:insert(styled("Abstract", blocks_of(meta.abstract)))
  end
  return result
end

-- The name that pandoc gives to the bookmark of an identifier.
local function bookmark(id)
  if #id <= 40 and id:match("^%a") then return id end
  return "X" .. pandoc.utils.sha1(id):sub(2)
end

-- A field that shows the headings now and page numbers once Word has counted pages.
local function contents(headings, title, depth)
  local field = '<w:r><w:fldChar w:fldCharType="%s"/></w:r>'
  local code = '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-' .. depth
    .. '" \\h \\z \\u </w:instrText></w:r>'
  local lines = {}
  for _, heading in ipairs(headings) do
    if heading.level <= depth then
      local before = #lines == 0
        and field:format("begin") .. code .. field:format("separate") or ""
      table.insert(lines, '<w:p><w:pPr><w:pStyle w:val="TOC' .. math.min(heading.level, 3)
        .. '"/></w:pPr>' .. before .. '<w:hyperlink w:anchor="'
        .. escape(bookmark(heading.id)) .. '" w:history="1"><w:r><w:t xml:space="preserve">'
        .. escape(heading.text) .. "</w:t></w:r></w:hyperlink>")
    end
  end
  if #lines == 0 then return {} end
  return {raw('<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
    .. '<w:docPartUnique/></w:docPartObj></w:sdtPr><w:sdtContent>'
    .. '<w:p><w:pPr><w:pStyle w:val="TOCHeading"/></w:pPr><w:r><w:t>' .. escape(title)
    .. "</w:t></w:r></w:p>" .. table.concat(lines, "</w:p>") .. field:format("end")
    .. "</w:p></w:sdtContent></w:sdt>")}
end

-- Sections of the page ---------------------------------------------------------------

local function section_break(is_wide)
  local width, height = paper[1], paper[2]
  local turned = ""
  if is_wide then
    width, height, turned = height, width, ' w:orient="landscape"'
  end
  local sides = ""
  for _, side in ipairs({"top", "right", "bottom", "left"}) do
    sides = sides .. " w:" .. side .. '="' .. margin .. '"'
  end
  return raw('<w:p><w:pPr><w:pStyle w:val="AfterTable"/><w:sectPr>'
    .. '<w:footerReference w:type="default" r:id="rIdFooter"/>'
    .. '<w:pgSz w:w="' .. width .. '" w:h="' .. height .. '"' .. turned .. "/>"
    .. "<w:pgMar" .. sides .. ' w:header="709" w:footer="709" w:gutter="0"/>'
    .. "</w:sectPr></w:pPr></w:p>")
end

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

-- The rows of a part as lists of {cell, column, continued}: where a cell from above
-- reaches down, `continued` stands for it.
local function grid(rows, n_columns)
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

local function all_rows(el)
  local parts = {{el.head.rows, true}}
  for _, body in ipairs(el.bodies) do
    table.insert(parts, {body.head, false})
    table.insert(parts, {body.body, false})
  end
  table.insert(parts, {el.foot.rows, false})
  return parts
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
  for _, part in ipairs(all_rows(el)) do
    for _, places in ipairs(grid(part[1], n)) do
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
local function widths(el)
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

local function needs_turning(content)
  local turned = false
  content:walk({
    Table = function(el) turned = turned or sum((column_needs(el))) > portrait end,
  })
  return turned
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
  return #blocks > 0 and styled(style, blocks) or empty(style)
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

local function data_table(el, caption)
  local columns = widths(el)
  local shares = {}
  for c, width in ipairs(columns) do shares[c] = '<w:gridCol w:w="' .. width .. '"/>' end
  local words = caption or pandoc.utils.stringify(el.caption.long)
  local blocks = pandoc.Blocks({raw('<w:tbl><w:tblPr><w:tblStyle w:val="Table"/>'
    .. '<w:tblW w:w="' .. sum(columns) .. '" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
    .. '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" '
    .. 'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
    .. (words ~= "" and '<w:tblCaption w:val="' .. escape(words) .. '"/>' or "")
    .. "</w:tblPr><w:tblGrid>" .. table.concat(shares) .. "</w:tblGrid>")})
  local n_rows = 0
  for _, part in ipairs(all_rows(el)) do n_rows = n_rows + #part[1] end
  local is_kept = n_rows <= most_kept
  for _, part in ipairs(all_rows(el)) do
    local rows = grid(part[1], #columns)
    for r, places in ipairs(rows) do
      local context = {is_head = part[2], row = r, n_rows = #rows, is_kept = is_kept}
      blocks:extend(row_of(places, el, columns, context))
    end
  end
  blocks:insert(raw("</w:tbl>"))
  return blocks
end

-- Figures, callouts, columns ---------------------------------------------------------

local write

-- An image no wider than its place and no taller than a page. The words that stand for
-- it are what pandoc takes for its caption.
local function fitted(image)
  if image.attributes.alt then image.caption = pandoc.Inlines(image.attributes.alt) end
  local ok, _, content = pcall(pandoc.mediabag.fetch, image.src)
  local known, size = pcall(pandoc.image.size, ok and content or "")
  local pixels = (image.attributes.width or ""):match("^([%d.]+)p?x?$")
  if not known or not (pixels or not image.attributes.width) then return image end
  local width = pixels and pixels * 15 or size.width * 1440 / (size.dpi_horz or 96)
  local height = width * size.height / size.width
  local scale = math.min(1, available / width, tallest / height)
  image.attributes.width = string.format("%.3fin", width * scale / 1440)
  image.attributes.height = string.format("%.3fin", height * scale / 1440)
  return image
end

-- The number of a caption as a field, from which Word makes lists of figures.
local function numbered(caption)
  return caption:walk({
    Span = function(el)
      if not el.classes:includes("caption-label") then return nil end
      local text = pandoc.utils.stringify(el.content)
      local word, number, stop = text:match("^(.-)\u{a0}(%d+)(:?)$")
      el.attributes["custom-style"] = "Caption Label"
      if not word then return el end
      el.content = {
        pandoc.Str(word .. "\u{a0}"),
        pandoc.RawInline("openxml", '<w:fldSimple w:instr=" SEQ ' .. escape(word)
          .. ' \\* ARABIC "><w:r><w:rPr><w:rStyle w:val="CaptionLabel"/></w:rPr><w:t>'
          .. number .. "</w:t></w:r></w:fldSimple>"),
        pandoc.Str(stop),
      }
      return el
    end,
  })
end

local function float(el)
  local kind = "fig"
  for _, class in ipairs(el.classes) do kind = class:match("^float%-(%a+)$") or kind end
  local caption = pandoc.utils.blocks_to_inlines(el.caption.long)
  local is_wide = available == portrait and needs_turning(el.content)
  local before = available
  if is_wide then available = landscape end
  local words = pandoc.utils.stringify(caption)
  local content = write(el.content, words)
  available = before
  local blocks = pandoc.Blocks({})
  local label = #caption > 0 and numbered(caption) or nil
  if kind == "fig" then
    blocks:insert(styled("Captioned Figure", content))
    if label then blocks:insert(line("Image Caption", label)) end
  else
    if label then blocks:insert(line("Table Caption", label)) end
    blocks:extend(content)
  end
  local result = pandoc.Blocks({pandoc.Div(blocks, pandoc.Attr(el.identifier))})
  if is_wide then
    result:insert(1, section_break(false))
    result:insert(section_break(true))
  end
  return result, false
end

local kinds = {
  note = {"0B5394", "E9F0F7"}, tip = {"1A7F5A", "E9F4EF"}, warning = {"A85200", "FBF1E7"},
  caution = {"8A5A00", "F8F2E4"}, important = {"A3262A", "FAECEC"},
}

local function box(content, attributes, fill)
  local blocks = pandoc.Blocks({raw('<w:tbl><w:tblPr><w:tblStyle w:val="TableNormal"/>'
    .. '<w:tblW w:w="' .. available .. '" w:type="dxa"/>' .. attributes
    .. '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:top w:w="60" w:type="dxa"/>'
    .. '<w:left w:w="170" w:type="dxa"/><w:bottom w:w="60" w:type="dxa"/>'
    .. '<w:right w:w="170" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblGrid>'
    .. '<w:gridCol w:w="' .. available .. '"/></w:tblGrid><w:tr><w:tc><w:tcPr>'
    .. '<w:tcW w:w="' .. available .. '" w:type="dxa"/><w:shd w:val="clear" '
    .. 'w:color="auto" w:fill="' .. fill .. '"/></w:tcPr>')})
  blocks:extend(content)
  blocks:insert(raw("</w:tc></w:tr></w:tbl>"))
  blocks:insert(empty("After Table"))
  return blocks
end

local function callout(el)
  local kind = "note"
  for _, class in ipairs(el.classes) do kind = class:match("^callout%-(%a+)$") or kind end
  local colour, fill = table.unpack(kinds[kind])
  local title, body = el.content[1], el.content[2]
  local before = available
  available = available - 2 * indent_width
  local content = pandoc.Blocks({
    line("Callout Title", pandoc.utils.blocks_to_inlines(title.content)),
  })
  content:extend(write(body.content))
  available = before
  local edges = '<w:tblBorders><w:left w:val="single" w:sz="24" w:space="0" w:color="'
    .. colour .. '"/></w:tblBorders>'
  return {pandoc.Div(box(content, edges, fill), pandoc.Attr(el.identifier))}, false
end

local function columns_grid(el)
  local n = tonumber(el.attributes.columns)
  local before = available
  local width = available // n
  local blocks = pandoc.Blocks({raw('<w:tbl><w:tblPr><w:tblStyle w:val="TableNormal"/>'
    .. '<w:tblW w:w="' .. width * n .. '" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
    .. "</w:tblPr><w:tblGrid>" .. ('<w:gridCol w:w="' .. width .. '"/>'):rep(n)
    .. "</w:tblGrid>")})
  available = width - cell_margin
  for i, block in ipairs(el.content) do
    if i % n == 1 or n == 1 then blocks:insert(raw("<w:tr><w:trPr><w:cantSplit/></w:trPr>")) end
    blocks:insert(raw('<w:tc><w:tcPr><w:tcW w:w="' .. width .. '" w:type="dxa"/></w:tcPr>'))
    blocks:extend(write(pandoc.Blocks({block})))
    blocks:insert(raw("</w:tc>"))
    if i % n == 0 or i == #el.content then blocks:insert(raw("</w:tr>")) end
  end
  available = before
  blocks:insert(raw("</w:tbl>"))
  blocks:insert(empty("After Table"))
  return blocks, false
end

-- A numbered formula stands in the middle of its line, the number at the right.
local function equation(el)
  local span = el.content[1]
  if #el.content > 1 or span.t ~= "Span" or not span.classes:includes("equation") then
    return nil
  end
  local tab = pandoc.RawInline("openxml", "<w:r><w:tab/></w:r>")
  local formula, number = table.unpack(span.content)
  formula.mathtype = "InlineMath"
  local content = {pandoc.Para({tab, formula, tab, number})}
  return {styled("Equation", content, span.identifier)}, false
end

local function div(el)
  local classes = el.classes
  if classes:includes("callout") then return callout(el) end
  if classes:includes("columns-grid") then return columns_grid(el) end
  if classes:includes("pagebreak") then
    return raw('<w:p><w:r><w:br w:type="page"/></w:r></w:p>'), false
  end
  if classes:includes("tab-title") then
    return line("Tab Title", pandoc.utils.blocks_to_inlines(el.content)), false
  end
  if classes:includes("table-notes") then
    return styled("Table Notes", write(el.content)), false
  end
end

local function bare_table(el)
  local blocks = pandoc.Blocks({})
  local words = pandoc.utils.blocks_to_inlines(el.caption.long)
  if #words > 0 then blocks:insert(line("Table Caption", words)) end
  blocks:extend(data_table(el))
  return blocks, false
end

-- Space after a table and its notes; without it, Word joins a table to the next.
local function spaced(blocks)
  local result = pandoc.Blocks({})
  for i, block in ipairs(blocks) do
    result:insert(block)
    local next = blocks[i + 1]
    local has_notes = next and next.t == "Div" and next.classes:includes("table-notes")
    local are_notes = block.t == "Div" and block.classes:includes("table-notes")
    if are_notes or block.t == "Table" and not has_notes then
      result:insert(empty("After Table"))
    end
  end
  return result
end

function write(blocks, caption)
  return blocks:walk({
    traverse = "topdown",
    Blocks = spaced,
    Figure = float,
    Table = caption and function(el) return data_table(el, caption), false end or bare_table,
    Div = div,
    Para = equation,
    Image = fitted,
  })
end

function Pandoc(doc)
  local headings, tops = {}, 6
  doc:walk({Header = function(el) tops = math.min(tops, el.level) end})
  doc = doc:walk({
    Header = function(el)
      el.level = el.level - tops + 1
      local text = pandoc.utils.stringify(el.content)
      table.insert(headings, {level = el.level, id = el.identifier, text = text})
      return el
    end,
    Span = function(el)
      if el.classes:includes("section-number") then
        el.attributes["custom-style"] = "Section Number"
        return el
      end
    end,
  })
  local blocks = title_block(doc.meta)
  local options = PANDOC_WRITER_OPTIONS
  if options.table_of_contents then
    local title = pandoc.utils.stringify(doc.meta["toc-title"] or "Contents")
    blocks:extend(contents(headings, title, options.toc_depth))
  end
  blocks:extend(write(doc.blocks))
  local meta = {}
  for _, key in ipairs(kept) do meta[key] = doc.meta[key] end
  return pandoc.Pandoc(blocks, meta)
end
