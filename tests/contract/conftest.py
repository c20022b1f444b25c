from hypothesis import settings

# The first call of a test imports what the others find loaded; on a busy machine that alone exceeds any deadline.
settings.register_profile("contracts", deadline=None)
settings.load_profile("contracts")
