-- For Word, Quarto puts a table with a caption into a table of one centred cell, and pandoc
-- would centre every cell of the inner table, whatever its alignment.

local function holds_table(el)
  local found = false
  for _, body in ipairs(el.bodies) do
    for _, row in ipairs(body.body) do
      for _, cell in ipairs(row.cells) do
        pandoc.Div(cell.contents):walk({Table = function() found = true end})
      end
    end
  end
  return found
end

function Table(el)
  if FORMAT ~= "docx" or not holds_table(el) then return end
  for number, column in ipairs(el.colspecs) do
    el.colspecs[number] = {pandoc.AlignDefault, column[2]}
  end
  return el
end
