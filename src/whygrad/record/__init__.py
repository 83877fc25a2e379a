"""A run on disk, as any producer writes it and any reader reads it. NumPy alone.

    fields, activations, kinds, layers   what is kept of a neuron, and what a layer is: tables
    producers, schema                    who writes runs, what their files must hold, what they lack
    files, sealed, beginning             writing: whole files, checksums, one writer a folder
    folder, snapshots, steady            reading, also while another process writes
    merging                              what several processes watched, as one
    address                              what a user asks about, by the network's own names
    step, factors, pulls                 one step, whoever recorded it, as ledgers take it
    entries, tracker                     a run as other tools take it
"""
