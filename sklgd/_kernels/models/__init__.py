"""The compiled twins of the models in `sklgd.models`, which hold the formulas."""
