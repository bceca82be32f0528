"""The contract of a wrapper as tests, as `anchorhold.testing` has it for a key backend.

In a test module::

    import pytest
    from anchorhold.testing import WrapperContract

    class TestMine(WrapperContract):
        wrapper = "mine"

        @pytest.fixture
        def options(self):
            return {"suffixes": ["example.com"]}

        @pytest.fixture
        def allowed(self):
            return {"names": ["www.example.com"]}

        @pytest.fixture
        def refused(self):
            return {"names": ["www.example.net"]}

or without any code: ``pytest --anchorhold-wrapper=mine --anchorhold-options=mine.toml``; what stands in that file is in
`anchorhold.testing.wrappers.toml_contract`. What may be overridden is in `anchorhold.testing.wrappers.fixtures`, the
rules are in `anchorhold.testing.wrappers.rules`.
"""
