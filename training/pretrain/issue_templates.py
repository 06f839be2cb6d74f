"""Texts of issues for injected bugs, by kind. They name a behaviour; `direct` ones name the mistake.

Fields: f function, c class or module, arg, left, right, old, new, callee, value, condition, body, target, later, key, error, doc, lost.
A template is only taken when all its fields are known.
"""
_CONDITION = [
    "{f} does the opposite of what it should when `{condition}`", "{f} takes the wrong branch for `{left}`", "Check of `{left}` in {f} is wrong",
    "{f} ignores whether {left} is set", "{f} behaves as if {left} were always false", "{f} does not handle {left} correctly",
    "Wrong condition in {f}", "{f}: valid {left} is rejected", "{f} accepts {left} that it should refuse", "{f} only works when {left} is not given",
    "{f} skips the case where {left} matters", "Logic for {left} seems inverted in {f}", "{f} runs the wrong code path",
    "{f} does nothing unless {left} is empty", "Unexpected result from {f} depending on {left}",
]
_EDGE = {
    "wide": ["{f} includes one element too many", "{f} goes one past the end", "{f} accepts a value equal to the limit", "IndexError in {f} for the last element",
             "{f} returns an extra item", "Limit in {f} is off by one", "{f}: upper bound should be excluded", "{f} does one iteration too many"],
    "narrow": ["{f} leaves out the boundary value", "{f} stops one too early", "{f} rejects a value equal to the limit", "{f} misses the case where both are equal",
               "{f} is off by one at the boundary", "{f}: exact limit is not allowed but should be"],
    "first": ["{f} skips the first element", "First item is missing from the result of {f}", "{f} ignores the first entry", "{f} starts at the wrong position"],
    "last": ["{f} drops the last element", "Last item is missing from the result of {f}", "{f} misses the final entry", "{f} cuts off the end"],
    "": ["{f} picks the wrong element", "{f} uses the wrong position", "{f} is off by one", "Wrong item returned by {f}", "{f} returns the wrong end of the sequence"],
}
TITLES: dict[str, list[str]] = {
    "boundary": ["Boundary case wrong in {f} when {left} equals {right}", "{f} fails when {left} == {right}"],
    "comparison": _CONDITION, "negation": _CONDITION,
    "boolean": _CONDITION + ["{f} needs both conditions but one is enough now", "{f} is too strict", "{f} is too permissive", "{f} combines its conditions wrongly"],
    "clause": ["{f} does not check `{lost}`", "{f} no longer looks at {lost}", "{f} should also consider `{lost}`", "{f} fails unless `{lost}` is taken into account",
               "Incomplete check in {f}", "{f} misses a condition", "{f} is triggered too often", "{f} handles some inputs it should leave alone"],
    "constant": ["{f} uses {new} instead of {old}", "{f} uses the wrong value", "Wrong number in {f}", "{f}: {arg} should be {old}", "{f} should use {old}", "{f} has {arg} switched the wrong way",
                 "Expected {old} but got {new} from {f}", "Flag {arg} set wrongly in {f}", "{f} returns {new}, expected {old}"],
    "arithmetic": ["{f} computes a wrong {left}", "Wrong sign in {f}", "{left} has the wrong value after {f}", "{f} gives wrong numbers", "Calculation in {f} is wrong",
                   "Result of {f} is far too large", "{f} returns negative values", "{left} is miscalculated", "{f} combines the values wrongly"],
    "accumulate": ["{f} only keeps the last value of {left}", "{left} is overwritten instead of accumulated", "{f} forgets earlier values", "{left} is reset on each pass in {f}"],
    "operands": ["{f} computes the difference the wrong way round", "Operands reversed in {f}", "{f} gives the inverse of the right result", "Wrong sign of {left} in {f}"],
    "ternary": ["{f} gives the two results the wrong way round", "{f} returns the fallback although `{condition}`", "{f} uses the default even if {left} is given", "{left} gets the wrong value when `{condition}`"],
    "swapped arguments": ["{callee} is called with its arguments in the wrong order", "{f} mixes up the arguments of {callee}", "{f} passes {arg} in the wrong place", "{f} swaps its inputs",
                          "{f} gives mirrored results", "Arguments to {callee} reversed"],
    "dropped argument": ["{f} ignores {arg}", "{arg} has no effect in {f}", "{arg} is not passed on by {f}", "{f} does not forward {arg} to {callee}", "{callee} is called without {arg}",
                         "TypeError: {callee}() missing 1 required argument", "{f} always uses the default for {arg}", "Setting {arg} does nothing"],
    "argument value": ["{f} ignores {arg}", "{arg} is always None in {callee}", "{f} loses the value of {arg}", "{arg} is not taken into account by {f}"],
    "default lookup": ["KeyError in {f} when {key} is missing", "{f} fails if {key} is not there", "{f} should fall back to a default for {key}", "{f} returns None when {key} is absent",
                       "AttributeError in {f} when the optional attribute is missing", "{f} crashes on missing {key}", "StopIteration or KeyError escapes from {f}"],
    "default value": ["Default of {arg} in {f} is wrong", "{f} behaves differently when {arg} is not given", "{f} should have {arg}={old} by default", "State leaks between calls of {f}",
                      "{f} without {arg} does the wrong thing"],
    "wrong variable": ["{f} uses {new} where it should use {old}", "{f} ignores {old}", "{f} returns the wrong value", "{f} mixes up {old} and {new}", "{old} is not used by {f}", "{f} gives the wrong {old}",
                       "NameError: name '{new}' is not defined in {f}", "{f} operates on the wrong object", "{f} works only if {old} and {new} are the same"],
    "wrong method": ["{f} uses {new} instead of {old}", "{f} returns an odd structure", "{f} handles {old} wrongly", "AttributeError: object has no attribute '{new}'", "{f} checks the wrong side",
                     "Result of {f} has the wrong contents", "{f} gives a nested or incomplete result"],
    "wrong attribute": ["{f} reads {new} instead of {old}", "{f} uses the wrong attribute", "{f} reports the wrong {old}", "{old} is not respected by {f}", "AttributeError: no attribute '{new}' in {f}", "{c} mixes up {old} and {new}"],
    "misspelt name": ["AttributeError: '{c}' object has no attribute '{new}'", "AttributeError in {f}", "{f} crashes with AttributeError", "{f} fails: no attribute {new}"],
    "lost self": ["NameError: name '{old}' is not defined", "NameError in {f}", "{f} loses {old}", "{c}.{old} is not used by {f}", "{old} is not stored on the object"],
    "wrong key": ["{f} reads the wrong key", "KeyError: '{new}' in {f}", "{f} uses {new} instead of {old}", "Value of {old} is ignored by {f}", "{f} mixes up {old} and {new}"],
    "conversion": ["{f} does not convert {value} with {callee}", "TypeError in {f}: unexpected type of {value}", "{f} returns the wrong type", "{f} does not normalise {value}", "{f} changes its input",
                   "{f} fails if {value} is not already converted", "{callee} is missing in {f}", "{value} should be passed through {callee} in {f}", "{f} compares values of different types"],
    "await": ["coroutine '{callee}' was never awaited", "RuntimeWarning in {f}: coroutine was never awaited", "{f} returns a coroutine instead of the result", "{f} does not wait for {callee}"],
    "lost return": ["{f} returns None", "{f} does not return anything", "TypeError: 'NoneType' object in the caller of {f}", "{f} always gives None instead of {value}", "Return value of {f} is missing",
                    "Result of {f} is lost", "{f} does not return {value}"],
    "partial result": ["{f} leaves out {value}", "{f} returns only part of the result", "{value} is not considered in the result of {f}", "Result of {f} is incomplete"],
    "wrong except": ["{f} lets {old} through", "{old} is not caught in {f}", "Uncaught {old} from {f}", "{f} should handle {old}", "{f} crashes with {old} instead of falling back", "{old} escapes {f}"],
    "wrong raise": ["{f} raises {new}, should be {old}", "{f} should raise {old}", "Wrong exception type from {f}", "{f} does not raise {old} for bad input", "Callers of {f} cannot catch {old}"],
    "narrow type": ["{f} does not accept {old}", "{f} fails for {old} values", "{f} treats {old} as unsupported", "{left} of type {old} is not handled by {f}", "{old} support broken in {f}"],
    "loop control": ["{f} stops after the first match", "{f} goes on although it should stop", "{f} does not process the remaining items", "{f} handles only part of the items", "Loop in {f} ends at the wrong time"],
    "removed statement": ["{f} does not set {target}", "{target} is never updated by {f}", "{f} does not call {callee}", "UnboundLocalError: {target} referenced before assignment in {f}", "{target} is stale after {f}",
                          "{f} forgets {target}", "{callee} is not called any more", "{f} is incomplete: nothing is done about {target}", "{f} misses a step", "NameError: name '{target}' is not defined", "{f} has no effect on {target}",
                          "{f} no longer does what it says", "{callee} missing in {f}"],
    "lost state": ["{target} is not kept by {f}", "{f} does not store {target}", "AttributeError: '{c}' object has no attribute after {f}", "{target} has the old value after {f}", "{c} forgets {target}"],
    "swapped lines": ["{f} uses {target} before it is set", "{f} does things in the wrong order", "{later} sees the old {target}", "Order of operations wrong in {f}", "UnboundLocalError in {f}", "{f} works with a stale {target}"],
    "left the block": ["{f} does something even without `{block}`", "{f} handles only the last item", "{f} applies a step too broadly", "Only one item ends up in the result of {f}"],
    "missing guard": ["{f} fails when `{condition}`", "{f} does not handle `{condition}`", "{f} should check `{condition}`", "{f} crashes when {name} is empty", "{f} crashes if {name} is None", "{f}: special case for {name} missing",
                      "AttributeError: 'NoneType' object has no attribute in {f}", "{f} does not treat {name} specially", "{f} should {act}", "{f} misbehaves for some values of {name}", "{f} does not validate {name}", "TypeError in {f} for unusual {name}"],
    "unguarded": ["{f} does this unconditionally", "{f} always runs `{body}`", "{f} should only act when `{condition}`", "{f} ignores `{condition}`", "{f} does too much when {name} is not set", "{f} overwrites a value given by the user", "{name} is not checked in {f}"],
    "inverted branches": ["{f} does the opposite when `{condition}`", "Branches of {f} are the wrong way round", "{f} behaves inversely", "{f} treats {name} the wrong way", "{f}: `{condition}` has the opposite effect"],
    "missing branch": ["{f} does not support `{condition}`", "{f} does nothing when `{condition}` is false", "{f} misses a case", "{f} ignores one kind of {name}", "{f} has no fallback", "Case of {name} not handled in {f}", "{f} returns nothing for some {name}"],
    "chained": ["{f} handles the same item twice", "{f} runs two branches", "{f} overrides an earlier choice when `{condition}`", "{f} falls through to a later case"],
    "early return": ["{f} returns after the first item", "{f} only looks at the first element", "{f} stops too early", "{f} gives an incomplete result", "{f} ignores everything but the first iteration"],
    "missing try": ["{error} is not handled in {f}", "{f} crashes with {error}", "{f} should survive {error}", "Uncaught {error} in {f}", "{f} lets {error} escape"],
}
for _kind in ("index", "slice", "range", "off by one", "boundary"):
    TITLES[_kind] = TITLES.get(_kind, []) + [f"\0{_kind}"]      # the texts by effect are put in by issue_text
EDGE = _EDGE
VAGUE = [
    "{f} returns wrong result", "{f} is broken", "Wrong behaviour of {f}", "{f} does not work as documented", "Unexpected output from {f}", "Bug in {f}", "{f} fails for some inputs",
    "Problem with {f}", "Regression in {f}", "{f} gives incorrect results", "{f} does not work", "Something is wrong with {f}", "{f} misbehaves", "Test of {f} fails", "{f}: wrong result", "{f} stopped working",
    "Incorrect {f}", "Fix {f}", "Fix bug in {f}", "{f} needs fixing", "Strange results with {f}", "{f} should {doc}", "{f} doesn't {doc}", "{f} used to {doc} but does not any more", "Error in {f}",
]
DIRECT = {
    "boundary": ["{f} should compare {left} with {right} the other way at the boundary"], "comparison": ["Wrong comparison of {left} in {f}"], "boolean": ["{f} should use `{old}`"],
    "constant": ["Replace {new} by {old} in {f}"], "arithmetic": ["{f} should use `{old}`, not `{new}`"], "dropped argument": ["Pass {arg} to {callee} in {f}"], "conversion": ["Use {callee} in {f}"],
    "wrong variable": ["Use {old} instead of {new} in {f}"], "wrong attribute": ["Use {old} instead of {new} in {f}"], "wrong method": ["{f} should use {old}"], "missing guard": ["Add a check of `{condition}` to {f}"],
    "removed statement": ["Set {target} in {f}", "Call {callee} in {f}"], "wrong except": ["Catch {old} in {f}"], "wrong raise": ["Raise {old} in {f}"], "await": ["Await {callee} in {f}"], "lost return": ["Return {value} from {f}"],
}
OPENINGS = [
    "I ran into this while upgrading.", "Noticed this in production.", "Found while reading the code.", "This used to work in the previous release.", "Happens every time.", "Seen on Python {py} with the current main branch.",
    "Hi, I think there is a bug here.", "Our test suite caught this one.", "Not sure whether this is intended.", "We hit this with real data today.", "Steps are simple:", "Minimal example below.", "This started failing recently.",
    "Thanks for the great library!", "Reported by a user.", "It took me a while to find out where this comes from.", "The documentation suggests otherwise.", "Easy to reproduce.", "Only some inputs are affected.",
]
CLOSINGS = [
    "Any ideas?", "A workaround would be welcome too.", "Version: {ver}.", "OS: Linux, Python {py}.", "I have not looked into the cause.", "Can be reproduced on main.", "Expected no such behaviour.", "Happy to test a fix.", "Is this a known problem?",
    "Would be nice to have this in the next release.", "There is no test for this case.", "Everything else seems to be fine.",
]
