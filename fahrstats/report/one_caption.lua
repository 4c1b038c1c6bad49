-- Of a cell that draws several figures under one caption, Quarto gives the caption to the
-- first as a part (a). Here it stays that of the whole, and the parts have no letters.

local function is_part(id, whole)
  return id:sub(1, #whole + 1) == whole .. "-" and id:sub(#whole + 2):match("^%d+$")
end

local function bare(image)
  image.caption = {}
  return image
end

function Div(cell)
  local last = cell.content[#cell.content]
  local is_figure = cell.classes:includes("cell") and cell.identifier:match("^fig%-")
  if not is_figure or last.t ~= "Div" then return end
  local caption = {}
  local function without_caption(part)
    if not is_part(part.identifier, cell.identifier) then return end
    if part.t == "Figure" then
      caption = pandoc.utils.blocks_to_inlines(part.caption.long)
      return pandoc.Para(pandoc.utils.blocks_to_inlines(part.content):walk({Image = bare}))
    end
    part.identifier = ""
    return part
  end
  cell = cell:walk({Figure = without_caption, Image = without_caption})
  if #caption > 0 then cell.content:insert(pandoc.Para(caption)) end
  return cell
end
