"""Whoever looks at a run sees how many commands had their effect, and of the others why not."""

from wattmesh.control.v1 import effect_pb2 as pb
from wattmesh_local.watching.effects import count_effects, effects_in_words


def test_verdicts_are_counted_with_their_reasons_the_most_frequent_first() -> None:
    counts = count_effects(
        [
            pb.EffectCount(commands=3),
            pb.EffectCount(effect=pb.EFFECT_NONE, reason=pb.EFFECT_REASON_STORE_FULL, commands=2),
            pb.EffectCount(effect=pb.EFFECT_CONFIRMED, commands=118),
        ]
    )
    assert counts == {"confirmed": 118, "open": 3, "none/store_full": 2}
    assert list(counts) == ["confirmed", "open", "none/store_full"]
    assert effects_in_words(counts) == "118 confirmed, 3 open, 2 none (store full)"


def test_a_run_without_commands_says_so() -> None:
    assert effects_in_words(count_effects([])) == "no command yet"
