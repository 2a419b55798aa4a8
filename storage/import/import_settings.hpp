#pragma once
#include <string>

#include "storage/archives/unpack_limits.hpp"

namespace storage {

// What the key `import` says about unpacking and publishing. conf/ fills it in.
struct ImportSettings : UnpackLimits {
  std::string layout = "{product}/{release}";  // where a release goes
  friend bool operator==(const ImportSettings&, const ImportSettings&) = default;
};

}  // namespace storage
