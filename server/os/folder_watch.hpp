#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "server/loop/net.hpp"

namespace server {

// A change to one name in drop/, or to the folder itself.
struct DropChange {
  // everything: look at the whole folder again. unwatched: it cannot be watched any more, until `everything`.
  enum class Kind { written, closed, gone, everything, unwatched } kind;
  std::string name;
  std::error_code why = {};  // it is unwatched
};

// Tells what happens in a folder. Lives on the loop. Throws std::system_error when the folder cannot be
// watched. Where the system tells nothing of a writer who closes (Windows), this asks each second for who has
// written.
class DropWatch {
 public:
  DropWatch(net::io_context& loop, const std::filesystem::path& folder);
  DropWatch(const DropWatch&) = delete;
  DropWatch& operator=(const DropWatch&) = delete;
  ~DropWatch();

  // Waits until something happens, or `deadline`; no changes then, nor after stop().
  net::awaitable<std::vector<DropChange>> next(std::chrono::steady_clock::time_point deadline);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace server
