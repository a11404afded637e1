import pytest

from tools.mutants import Mutant, named, told, unnoticed, verdict

DIFF = """\
--- registration/domain/quota.py
+++ registration/domain/quota.py
@@ -1,4 +1,4 @@
 def free_at(self, times):
-    return times[0] > 1
+    return times[0] >= 1
"""
ONE = Mutant("domain.quota Quota.free_at", "return times[0] >= 1")
ANOTHER = Mutant("courier.breaker Breaker.leave", "pass")


@pytest.mark.parametrize(
    "name, where",
    [
        ("registration.domain.quota.xǁQuotaǁfree_at__mutmut_1", "domain.quota Quota.free_at"),
        ("registration.domain.quota.xǁQuotaǁ__call____mutmut_12", "domain.quota Quota.__call__"),
        ("registration.domain.quota.x_free_at__mutmut_3", "domain.quota free_at"),
        ("registration.domain.quota.x__hidden__mutmut_3", "domain.quota _hidden"),
    ],
)
def test_a_mutant_is_told_by_its_function_and_its_changed_line(name: str, where: str) -> None:
    assert told(name, DIFF) == Mutant(where, "return times[0] >= 1")


def test_unnoticed_is_all_that_no_test_failed_for() -> None:
    results = """
    registration.domain.a.x_f__mutmut_1: survived
    registration.domain.a.x_f__mutmut_2: timeout
    registration.domain.a.x_f__mutmut_3: no tests
    registration.domain.a.x_f__mutmut_4: caught by type check
    registration.domain.a.x_f__mutmut_5: suspicious
    registration.domain.a.x_f__mutmut_6: killed
"""
    assert [name[-1] for name in unnoticed(results)] == ["1", "3", "5"]


def test_a_mutant_that_is_named_is_told_as_it_is_in_the_report() -> None:
    text = f"# Title\n\nWords.\n\n{ONE}: it is the same.\n{ANOTHER}\n"
    assert named(text) == {ONE}  # the other has no reason


class TestTheVerdict:
    def test_is_nothing_where_those_survive_that_are_named(self) -> None:
        assert verdict([ONE], [ONE], ["domain"]) == []

    def test_names_who_survives_without_a_reason(self) -> None:
        (line,) = verdict([ONE], [], ["domain"])
        assert str(ONE) in line

    def test_names_a_reason_that_is_not_needed(self) -> None:
        (line,) = verdict([], [ONE], ["domain"])
        assert str(ONE) in line

    def test_says_nothing_of_parts_that_were_not_looked_at(self) -> None:
        assert verdict([ONE], [ONE, ANOTHER], ["domain"]) == []
