"""The auditor's arithmetic, pure and in exact integers: what was owed, what came, what was lost and why.

Time is cut into slots of 60 s. `facts` says what is known of a point in a slot, `layout` what a source must have measured,
`slots` judges a source's slots from both, `exempting` says which losses are excused, and `account` counts.
"""
