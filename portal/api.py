"""The API as a whole: the apps' addresses, its document, and its browsable page."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("schema/page/", SpectacularSwaggerView.as_view(url_name="schema"), name="schema-page"),
    path("", include("deployments.api.urls")),
]
