"""The static site: a page and a PDF for every region, the start page, charts and the map."""
