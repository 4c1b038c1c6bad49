"""Studies of kind ``saliency``: which regions of the face scores rest on."""
