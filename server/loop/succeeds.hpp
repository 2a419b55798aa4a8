#pragma once
#include <exception>

namespace server {

// Calls `work`, and says whether it came to its end without an exception: memory may be short.
template <class Work>
bool succeeds(Work work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace server
