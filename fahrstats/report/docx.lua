-- What pandoc's Word writer does not write as a journal wants it: the title block, the
-- contents, captions, tables with rules and widths, callouts, wide tables on pages of
-- their own. Styles are those of reference.docx; the page is that of template.openxml.
-- Runs last, when references and citations are links.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local paper = PANDOC_WRITER_OPTIONS.variables.letter and {12240, 15840} or {11906, 16838}
local margin = 1417 -- twips, twentieths of a point; so are all widths here
local portrait = paper[1] - 2 * margin
local landscape = paper[2] - 2 * margin
local available = portrait
local inset = 170 -- of text in a callout
local tallest = paper[2] - 2 * margin - 1200 -- of a figure, with its caption below

local openxml = dofile(pandoc.path.join({here, "openxml.lua"}))
local tables = dofile(pandoc.path.join({here, "docx_tables.lua"}))
local raw, styled, line, empty = openxml.raw, openxml.styled, openxml.line, openxml.empty
local escape = elements.escape

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

-- Figures, callouts, columns ---------------------------------------------------------

local write

local function needs_turning(content)
  local turned = false
  content:walk({
    Table = function(el) turned = turned or tables.least_width(el) > portrait end,
  })
  return turned
end

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
  local kind = elements.kind(el, "float") or "fig"
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
  local kind = elements.kind(el, "callout")
  local colour, fill = table.unpack(kinds[kind])
  local title, body = el.content[1], el.content[2]
  local before = available
  available = available - 2 * inset
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
  available = width - tables.cell_margin
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
  blocks:extend(tables.data_table(el, available))
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
    Table = caption and function(el) return tables.data_table(el, available, caption), false end or bare_table,
    Div = div,
    Para = equation,
    Image = fitted,
  })
end

function Pandoc(doc)
  local headings, top_level = {}, elements.top_level(doc)
  doc = doc:walk({
    Header = function(el)
      el.level = el.level - top_level + 1
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
