"""The drift watch: does the champion still hold live, and if not, has another been trained, and was that better?"""
