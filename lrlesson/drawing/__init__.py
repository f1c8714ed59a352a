"""How everything is drawn: the theme, matplotlib's SVG, stages, and the figures of the lessons."""
