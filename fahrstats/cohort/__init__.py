"""What goes in: the gate from data frames to arrays, groups, and the table store."""
