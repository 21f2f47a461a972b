.PHONY: demo test lint bench setup clean

demo test lint bench setup clean:
	@scripts/launch $@
