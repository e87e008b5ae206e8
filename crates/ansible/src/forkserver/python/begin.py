import sys
import types

package = types.ModuleType("rangehand")
package.__path__ = []
sys.modules["rangehand"] = package
for name, text in FILES.items():  # noqa: F821 - stands before this text
    module = types.ModuleType("rangehand." + name)
    sys.modules[module.__name__] = module
    setattr(package, name, module)
    exec(compile(text, "rangehand/" + name + ".py", "exec"), module.__dict__)
package.server.main()
