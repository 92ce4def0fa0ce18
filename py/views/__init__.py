"""What a person sees: one module a panel.

Each panel subscribes to topics, owns one region of the page, and renders at most once a
frame. Panels reach the page through the small port of :mod:`views.page`; none calls
another, and none changes the core but by emitting an intent.
"""
