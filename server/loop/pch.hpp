// Precompiled for server/ alone: Asio is most of what its sources take to compile.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "server/loop/net.hpp"
