"""Charts as server-rendered SVG: pure functions from figures to coordinates, drawn by templates/components/.

x is in percent of the width and y in pixels, so that text keeps its size at every width (no viewBox). All
coordinates are strings: Django would write a float in the reader's language ("82,56"). Amounts become floats
here and nowhere else.
"""

from portal.charts.bars import BarChart, Column, day_bars
from portal.charts.gauge import Gauge, GaugeTick, gauge
from portal.charts.marks import Bar, Grid, Label, Series, css_of, fold
from portal.charts.spark import Spark, spark
from portal.charts.total import ForecastPoint, Limit, TotalChart, running_total

__all__ = [
    "Bar",
    "BarChart",
    "Column",
    "ForecastPoint",
    "Gauge",
    "GaugeTick",
    "Grid",
    "Label",
    "Limit",
    "Series",
    "Spark",
    "TotalChart",
    "css_of",
    "day_bars",
    "fold",
    "gauge",
    "running_total",
    "spark",
]
