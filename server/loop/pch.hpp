// Precompiled for server/ alone: Asio is most of what its sources take to compile.
#include "server/loop/net.hpp"
