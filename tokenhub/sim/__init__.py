"""A provider to play against: OpenAI, Anthropic and vLLM on loopback. Always a simulation.

`app.Sim` runs one; `compose` says how a request steers its answer, `Sim.say` scripts one word for
word, `fault.Fault` spoils one, and `drills.DRILLS` names the faults that tests walk through.
"""
