from hypothesis import HealthCheck, settings

SEARCH = "search"
"""The profile of who looks for new faults, and has time."""


def budget(*, examples: int, examples_of_a_search: int) -> settings:
    """So many examples, the same each time; in a search others each time, unless a seed is given."""
    is_search = settings.get_current_profile_name() == SEARCH
    return settings(
        max_examples=examples_of_a_search if is_search else examples,
        derandomize=not is_search,
        stateful_step_count=25,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
