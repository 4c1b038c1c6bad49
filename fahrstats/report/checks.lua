-- What a document may not hold in any format: things that a reader would fetch from a
-- network, inline expressions that did not run, citations of no bibliography.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local elements = dofile(pandoc.path.join({here, "elements.lua"}))
local complain = elements.complain

local function is_remote(address)
  return address:match("^%a[%w+.-]*://") or address:match("^//")
end

-- Where HTML names something that a browser would fetch.
local fetching = {
  "%s[sS][rR][cC]%a*%s*=%s*[\"']?([^\"'%s>]+)",
  "%sposter%s*=%s*[\"']?([^\"'%s>]+)",
  "<object[^>]-data%s*=%s*[\"']?([^\"'%s>]+)",
  "<image[^>]-href%s*=%s*[\"']?([^\"'%s>]+)",
  "<use[^>]-href%s*=%s*[\"']?([^\"'%s>]+)",
  "<link[^>]-href%s*=%s*[\"']?([^\"'%s>]+)",
  "url%(%s*[\"']?([^\"')]+)",
  "@import%s+[\"']([^\"']+)",
}

local function check_raw(el)
  if not el.format:match("html") then return nil end
  for _, pattern in ipairs(fetching) do
    for address in el.text:gmatch(pattern) do
      if is_remote(address) then complain("remote", address) end
    end
  end
end

local checks = {
  Image = function(el)
    if is_remote(el.src) then complain("remote", el.src) end
  end,
  RawBlock = check_raw,
  RawInline = check_raw,
  Code = function(el)
    if el.text:match("^{python}") then complain("inline", el.text) end
  end,
}

local function check_bibliography(doc)
  local known = {}
  for _, entry in ipairs(pandoc.utils.references(doc)) do known[entry.id] = true end
  doc:walk({
    Cite = function(el)
      for _, citation in ipairs(el.citations) do
        if not known[citation.id] and not elements.label_of(citation) then
          complain("uncited", citation.id)
        end
      end
    end,
  })
end

return function(doc)
  doc:walk(checks)
  check_bibliography(doc)
end
