#include <csignal>

#include "tests/support/sigpipe.hpp"

namespace test {

bool ignore_sigpipe() { return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }

}  // namespace test
