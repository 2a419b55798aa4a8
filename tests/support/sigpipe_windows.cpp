#include "tests/support/sigpipe.hpp"

namespace test {

bool ignore_sigpipe() { return true; }

}  // namespace test
