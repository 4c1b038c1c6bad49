-- Numbers for headings, figures, tables, listings and equations, and links to them.
-- What a reader could not follow is written to standard error, one line each,
-- `fahrstats <kind> <what>`; the caller names the line of the document.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local checked = dofile(pandoc.path.join({here, "checks.lua"}))
local escape, html, complain = elements.escape, elements.html, elements.complain
local words, kind_of = elements.words, elements.kind_of
local is_html = FORMAT:match("html") ~= nil
local nbsp = "\u{a0}"

local settings = {}
local counts = {fig = 0, tbl = 0, lst = 0, eq = 0}
local section = {0, 0, 0, 0, 0, 0}
local top_level
local n_captions = 0
local index = {}

local function word(kind, part)
  return settings[kind .. "-" .. part] or words[kind]
end

local function register(label, entry)
  if index[label] then complain("duplicate", label) end
  index[label] = entry
end

-- Headings ---------------------------------------------------------------------

local function header(el)
  if el.classes:includes("unnumbered") then
    if kind_of(el.identifier) == "sec" then register(el.identifier, {kind = "sec"}) end
    return nil
  end
  local level = el.level
  section[level] = section[level] + 1
  for deeper = level + 1, 6 do section[deeper] = 0 end
  local number = table.concat(section, ".", top_level, level)
  if kind_of(el.identifier) == "sec" then
    register(el.identifier, {kind = "sec", number = settings.numbered and number})
  end
  if settings.numbered and level - top_level < settings.depth then
    el.content:insert(1, pandoc.Space())
    el.content:insert(1, pandoc.Span(number, {class = "section-number"}))
    return el
  end
end

-- Floats -----------------------------------------------------------------------

local function letter(n)
  return string.char(string.byte("a") + n - 1)
end

local function caption_label(text)
  return pandoc.Span(text, {class = "caption-label"})
end

-- The words before a caption: "Figure 1: ", or "(a) " inside a float.
local function labelled(entry, caption)
  local result = pandoc.Inlines({})
  if entry and entry.letter then
    result:insert(caption_label("(" .. entry.letter .. ")"))
    if #caption > 0 then result:insert(pandoc.Space()) end
  elseif entry then
    local stop = #caption > 0 and ":" or ""
    local name = word(entry.kind, "title") .. nbsp .. entry.number .. stop
    result:insert(caption_label(name))
    if #caption > 0 then result:insert(pandoc.Space()) end
  end
  result:extend(caption)
  return result
end

-- Another file is taken for an image that the format cannot show.
local function stand_in(image)
  local name = image.src:gsub("%%(%x%x)", function(code)
    return string.char(tonumber(code, 16))
  end)
  image.src = settings.stand_ins[name] or image.src
  return image
end

-- An image whose author gave no text alternative is described by its caption.
local function with_alternatives(blocks, caption)
  local fallback = pandoc.utils.stringify(caption)
  return blocks:walk({
    Image = function(image)
      image.attributes.alt = image.attributes["fig-alt"] or image.attributes.alt
      image.attributes["fig-alt"] = nil
      if not image.attributes.alt and #image.caption == 0 then
        image.attributes.alt = fallback
      end
      return image
    end,
  })
end

-- What is wider than the page is moved with the keys, so it has the focus and a name.
local function reachable(blocks, caption_id)
  if not is_html then return blocks end
  return blocks:walk({
    Div = function(el)
      if not el.classes:includes("scroll") or el.attributes.tabindex then return nil end
      el.attributes.tabindex = "0"
      el.attributes.role = "group"
      el.attributes["aria-labelledby"] = caption_id
      el.attributes["aria-label"] = not caption_id and words.tbl or nil
      return el
    end,
  })
end

local function figure(kind, id, entry, content, words, columns)
  content = with_alternatives(content, words)
  local caption = labelled(entry, words)
  if columns then
    content = pandoc.Blocks({elements.columns_grid(content, columns)})
  end
  if not is_html then
    local attr = pandoc.Attr(id, {"float", "float-" .. kind})
    return pandoc.Figure(content, {pandoc.Plain(caption)}, attr)
  end
  local blocks = pandoc.Blocks({})
  local anchor = id ~= "" and ' id="' .. escape(id) .. '"' or ""
  n_captions = n_captions + 1
  local caption_id = "caption-" .. n_captions
  if #caption > 0 then content = reachable(content, caption_id) end
  local caption_first = kind ~= "fig"
  local function put_caption()
    if #caption > 0 then
      blocks:insert(html('<figcaption id="' .. caption_id .. '">'))
      blocks:insert(pandoc.Plain(caption))
      blocks:insert(html("</figcaption>"))
    end
  end
  blocks:insert(html('<figure class="float float-' .. kind .. '"' .. anchor .. ">"))
  if caption_first then put_caption() end
  blocks:extend(content)
  if not caption_first then put_caption() end
  blocks:insert(html("</figure>"))
  return blocks
end

local function is_only_image(block)
  return block.t == "Para" and #block.content == 1 and block.content[1].t == "Image"
end

-- Content and caption of a float, whichever of pandoc's elements it is.
local function parts(el)
  if el.t == "Figure" then
    return el.content, pandoc.utils.blocks_to_inlines(el.caption.long)
  end
  if el.t == "Table" then
    local caption = pandoc.utils.blocks_to_inlines(el.caption.long)
    el.caption = pandoc.Caption()
    el.identifier = ""
    return pandoc.Blocks({el}), caption
  end
  if el.t == "CodeBlock" then
    local text = el.attributes["lst-cap"] or ""
    local read = pandoc.read(text, "markdown").blocks
    el.attributes["lst-cap"] = nil
    el.identifier = ""
    return pandoc.Blocks({el}), pandoc.utils.blocks_to_inlines(read)
  end
  local content = el.content
  local last = content[#content]
  if el.attributes.caption == "none" or not last or last.t ~= "Para"
    or is_only_image(last) then
    return content, pandoc.Inlines({})
  end
  content:remove(#content)
  return content, last.content
end

local function wide(el)
  if not is_html then return el end
  return pandoc.Div({el}, {class = "scroll"})
end

local function wide_image(el)
  if #el.content ~= 1 or el.content[1].t ~= "Image" then return nil end
  return wide(el), false
end

local function scrolled(blocks)
  return blocks:walk({
    traverse = "topdown",
    Div = function(el)
      if el.classes:includes("scroll") then return el, false end
    end,
    Table = function(el) return wide(el), false end,
    Para = wide_image,
    Plain = wide_image,
  })
end

local function part_of(parent)
  local n = 0
  local function make(el)
    local kind = kind_of(el.identifier)
    if kind ~= parent.kind then return nil end
    n = n + 1
    local id = el.identifier
    local entry = {kind = kind, number = parent.number, letter = letter(n)}
    register(id, entry)
    local content, caption = parts(el)
    return figure(kind, id, entry, scrolled(content), caption), false
  end
  return {traverse = "topdown", Div = make, Figure = make, Table = make}
end

-- A figure of several panels keeps each panel's blocks together in the grid.
local function grouped(blocks)
  local cells = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    cells:insert(pandoc.Div({block}, {class = "panel"}))
  end
  return cells
end

local function float(el)
  local id = el.identifier
  local kind = kind_of(id)
  if not kind or not counts[kind] or kind == "eq" then return nil end
  if el.t == "CodeBlock" and kind ~= "lst" then return nil end
  counts[kind] = counts[kind] + 1
  local entry = {kind = kind, number = tostring(counts[kind])}
  register(id, entry)
  local columns = el.attributes["layout-ncol"]
  local content, caption = parts(el)
  if columns then content = grouped(content) end
  content = scrolled(content:walk(part_of(entry)))
  return figure(kind, id, entry, content, caption, columns), false
end

local function captioned(el)
  if el.t == "Div" and el.classes:includes("captioned") then
    local content, caption = parts(el)
    local columns = el.attributes["layout-ncol"]
    local kind = el.classes:includes("captioned-fig") and "fig" or "tbl"
    return figure(kind, "", nil, scrolled(content), caption, columns), false
  end
  if el.t == "Figure" then
    local content, caption = parts(el)
    return figure("fig", el.identifier, nil, scrolled(content), caption), false
  end
  return nil
end

local function number_float(el)
  local made, deeper = float(el)
  if made then return made, deeper end
  return captioned(el)
end

-- Equations ---------------------------------------------------------------------

-- `$$ ... $$ {#eq-x}`: the label is plain text after the formula.
local function equations(inlines)
  local result = pandoc.Inlines({})
  local i = 1
  while i <= #inlines do
    local el = inlines[i]
    local at = i + 1
    if el.t == "Math" and el.mathtype == "DisplayMath" then
      while inlines[at] and (inlines[at].t == "Space" or inlines[at].t == "SoftBreak") do
        at = at + 1
      end
      local text = inlines[at] and inlines[at].t == "Str" and inlines[at].text or ""
      local label, rest = text:match("^{#(eq%-[%w_:.-]+)}(.*)$")
      if label then
        counts.eq = counts.eq + 1
        local number = tostring(counts.eq)
        register(label, {kind = "eq", number = number})
        result:insert(pandoc.Span({
          el, pandoc.Span("(" .. number .. ")", {class = "equation-number"}),
        }, {id = label, class = "equation"}))
        if rest ~= "" then result:insert(pandoc.Str(rest)) end
        i = at + 1
      else
        result:insert(el)
        i = i + 1
      end
    else
      result:insert(el)
      i = i + 1
    end
  end
  return result
end

-- References --------------------------------------------------------------------

local function link(citation)
  local label = elements.label_of(citation)
  local entry = index[label]
  if not entry then
    complain("unresolved", citation.id)
    return pandoc.Inlines({pandoc.Str("?" .. label)})
  end
  if not entry.number then
    complain("unnumbered", citation.id)
    return pandoc.Inlines({pandoc.Str("?" .. label)})
  end
  local number = entry.number
  if entry.letter then number = number .. nbsp .. "(" .. entry.letter .. ")" end
  local text = pandoc.Inlines({})
  if #citation.prefix > 0 then
    text:extend(citation.prefix)
    text:insert(pandoc.Str(nbsp))
  elseif citation.mode ~= "SuppressAuthor" then
    text:insert(pandoc.Str(word(entry.kind, "prefix") .. nbsp))
  end
  text:insert(pandoc.Str(number))
  local result = pandoc.Inlines({pandoc.Link(text, "#" .. label, "", {class = "xref"})})
  result:extend(citation.suffix)
  return result
end

local function cite(el)
  local n = 0
  for _, citation in ipairs(el.citations) do
    if elements.label_of(citation) then n = n + 1 end
  end
  if n == 0 then return nil end
  if n < #el.citations then
    complain("mixed", el.citations[1].id)
    return nil
  end
  local result = pandoc.Inlines({})
  for i, citation in ipairs(el.citations) do
    if i > 1 then result:extend({pandoc.Str(","), pandoc.Space()}) end
    result:extend(link(citation))
  end
  return result
end

-- Checks --------------------------------------------------------------------------

-- Links that an author writes as links: [Methods](#sec-methods). Those to the literature
-- have their targets later.
local function check_links(doc)
  local names
  doc:walk({
    Link = function(el)
      local label = el.target:match("^#(.+)$")
      if not label or index[label] or label:match("^ref%-") then return end
      names = names or elements.names(doc)
      if not names[label] then complain("nowhere", label) end
    end,
  })
end

-- The title of a page is its only heading of the first level.
local function below_title(doc)
  local first = doc.meta.title and 2 or 1
  doc.blocks = doc.blocks:walk({
    Header = function(el)
      el.level = math.min(6, el.level - top_level + first)
      return el
    end,
  })
end

-- Settings --------------------------------------------------------------------------

local function read_settings(meta)
  for key, value in pairs(meta.crossref or {}) do
    settings[key] = pandoc.utils.stringify(value)
  end
  settings.stand_ins = {}
  for name, file in pairs(meta["stand-ins"] or {}) do
    settings.stand_ins[name] = pandoc.utils.stringify(file)
  end
  settings.numbered = meta["number-sections"] == true
  settings.depth = tonumber(pandoc.utils.stringify(meta["number-depth"] or "6"))
end

function Pandoc(doc)
  read_settings(doc.meta)
  checked(doc)
  doc = doc:walk({Image = stand_in})
  top_level = elements.top_level(doc)
  doc = doc:walk({
    traverse = "topdown",
    Header = header,
    Div = number_float,
    Figure = number_float,
    CodeBlock = float,
    Table = function(el)
      local made, deeper = float(el)
      if made then return made, deeper end
      return wide(el), false
    end,
    Inlines = equations,
  })
  doc.blocks = reachable(with_alternatives(doc.blocks, pandoc.Inlines({})))
  if is_html then below_title(doc) end
  check_links(doc)
  return doc:walk({Cite = cite})
end
