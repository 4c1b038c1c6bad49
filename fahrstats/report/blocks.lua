-- Fenced divs that have no pandoc element of their own: conditional content, page
-- breaks, callouts, tabsets, folded code, columns and tables that may be wide.
-- Runs before references.lua, so that what it removes or retitles is not numbered.
--
-- For a browser they become HTML. For other formats they stay divs, which the filter
-- of the format writes: `callout` (of `callout-title` and `callout-body`), `tabset` (of
-- `tab-title` and `tab-panel`), `columns-grid` with an attribute `columns`, `pagebreak`.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local escape, html, columns_grid = elements.escape, elements.html, elements.columns_grid
local is_html = FORMAT:match("html") ~= nil

-- Names by which an author may mean this format; `pdf` is LaTeX's, here as in Quarto.
local names = is_html and {html = true, ["html:js"] = true} or {[FORMAT] = true}

local callout_names = {
  note = "Note", tip = "Tip", warning = "Warning",
  caution = "Caution", important = "Important",
}

local tabsets = 0

local function inlines_of(text)
  return pandoc.utils.blocks_to_inlines(pandoc.read(text, "markdown").blocks)
end

-- Whether an element with a `when-format` or `unless-format` attribute is shown.
local function is_shown(el)
  local shown = true
  local attributes = el.attributes
  if attributes["when-format"] then
    shown = names[attributes["when-format"]] == true
  elseif attributes["unless-format"] then
    shown = not names[attributes["unless-format"]]
  end
  return shown ~= el.classes:includes("content-hidden")
end

local function conditional(el)
  if el.classes:includes("content-visible") or el.classes:includes("content-hidden") then
    return is_shown(el) and el.content or {}
  end
end

-- Tables that a cell gave as HTML, as tables of any format. Other raw HTML is for
-- browsers alone.
local function read_html(el)
  if not is_html and el.format:match("html") and el.text:match("<table") then
    return pandoc.read(el.text, "html").blocks
  end
end

local function callout(el, kind)
  local title = el.attributes.title
  local content = el.content
  local words
  if title then
    words = inlines_of(title)
  elseif content[1] and content[1].t == "Header" then
    words = content[1].content
    content:remove(1)
  else
    words = pandoc.Inlines(callout_names[kind])
  end
  local class = "callout callout-" .. kind
  local title_block = pandoc.Div(pandoc.Plain(words), {class = "callout-title"})
  local body = pandoc.Div(content, {class = "callout-body"})
  local fold = el.attributes.collapse
  if not fold or not is_html then
    local attributes = {id = el.identifier, class = class, role = "note"}
    return pandoc.Div({title_block, body}, attributes)
  end
  local id = el.identifier ~= "" and ' id="' .. escape(el.identifier) .. '"' or ""
  local open = fold == "false" and " open" or ""
  return pandoc.Blocks({
    html('<details class="' .. class .. '"' .. id .. open
      .. '><summary class="callout-title">'),
    pandoc.Plain(words),
    html("</summary>"),
    body,
    html("</details>"),
  })
end

-- Radio buttons need no script; on paper every panel is printed under its name.
-- A panel is a div, so that headings in it cannot reach beyond it.
local function tabset(el)
  local level
  local before, tabs = pandoc.Blocks({}), {}
  for _, block in ipairs(el.content) do
    local is_header = block.t == "Header"
    level = level or (is_header and block.level or nil)
    if is_header and block.level == level then
      table.insert(tabs, {title = block.content, content = pandoc.Blocks({})})
    elseif #tabs > 0 then
      tabs[#tabs].content:insert(block)
    else
      before:insert(block)
    end
  end
  if #tabs == 0 then return nil end
  tabsets = tabsets + 1
  local name = "tabset-" .. tabsets
  local blocks = pandoc.Blocks({})
  for n, tab in ipairs(is_html and tabs or {}) do
    local id = name .. "-" .. n
    local checked = n == 1 and " checked" or ""
    blocks:extend({
      html('<input type="radio" name="' .. name .. '" id="' .. id .. '"' .. checked
        .. '><label for="' .. id .. '">'),
      pandoc.Plain(tab.title),
      html("</label>"),
      pandoc.Div(tab.content, {class = "tab-panel"}),
    })
  end
  for _, tab in ipairs(is_html and {} or tabs) do
    blocks:insert(pandoc.Div(pandoc.Plain(tab.title), {class = "tab-title"}))
    blocks:insert(pandoc.Div(tab.content, {class = "tab-panel"}))
  end
  before:insert(pandoc.Div(blocks, {class = "tabset"}))
  return before
end

local function folded_code(el)
  if not is_html then return el.content end
  local open = el.attributes.state == "open" and " open" or ""
  local blocks = pandoc.Blocks({
    html('<details class="code-fold"' .. open .. "><summary>"
      .. escape(el.attributes.summary) .. "</summary>"),
  })
  blocks:extend(el.content)
  blocks:insert(html("</details>"))
  return blocks
end

local function div(el)
  if el.classes:includes("scroll") and not is_html then
    return el.content:walk({RawBlock = read_html})
  end
  if el.classes:includes("code-fold") then return folded_code(el) end
  if el.classes:includes("panel-tabset") then return tabset(el) end
  local kind = elements.kind(el, "callout")
  if callout_names[kind] then return callout(el, kind) end
  local columns = el.attributes["layout-ncol"]
  if columns and el.identifier == "" and not el.classes:includes("captioned") then
    return columns_grid(el.content, columns)
  end
end

return {
  {Div = conditional, Span = conditional}, -- the innermost first
  {traverse = "topdown", Div = div, RawBlock = read_html},
}
