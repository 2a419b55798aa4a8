// Precompiled for storage/, protocols/ and conf/: these are half of what their sources take to compile. A
// source includes what it needs all the same: `./dev lint` compiles without this.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>
