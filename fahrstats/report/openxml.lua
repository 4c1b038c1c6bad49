-- Paragraphs of Word by the style that they have.

local openxml = {}

function openxml.raw(text)
  return pandoc.RawBlock("openxml", text)
end

function openxml.styled(style, content, id)
  local attributes = {["custom-style"] = style}
  return pandoc.Div(content, pandoc.Attr(id or "", {}, attributes))
end

function openxml.line(style, inlines)
  return openxml.styled(style, {pandoc.Para(inlines)})
end

function openxml.empty(style)
  return openxml.raw('<w:p><w:pPr><w:pStyle w:val="' .. style:gsub(" ", "") .. '"/></w:pPr></w:p>')
end

return openxml
