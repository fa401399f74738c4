"""The API as a whole: the apps' addresses, its document, and its browsable page."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView


class Document(SpectacularJSONAPIView):
    """The API's document, as JSON: refusals are JSON too, and JSON is YAML."""


class Page(SpectacularSwaggerView):
    """The document as a page to try it on."""

    metadata_class = None  # what OPTIONS would answer has no page


urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", Document.as_view(), name="schema"),
    path("schema/page/", Page.as_view(url_name="schema"), name="schema-page"),
    path("", include("assets.api.urls")),
    path("", include("deployments.api.urls")),
]
