#pragma once
#include <stdexcept>
#include <string_view>

#include "storage/files/one_line.hpp"

namespace storage {

// Why a bundle was not published, in a sentence for the administrator: what is wrong with it and what to do.
// One line, whatever a library said. Thrown by everything that reads a bundle.
struct Rejected : std::runtime_error {
  explicit Rejected(std::string_view reason) : std::runtime_error(one_line(reason)) {}
};

}  // namespace storage
