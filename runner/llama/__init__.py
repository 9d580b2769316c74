"""llama.cpp, through llama-cpp-python's low-level bindings: handles made, used and freed.

The only room that imports `llama_cpp`. It keeps no state between calls but what llama.cpp itself
keeps: its devices, with the relays to those on other machines, and its log callback.
"""
