from hypothesis import settings

from tests.properties.budget import SEARCH

settings.register_profile(SEARCH)
