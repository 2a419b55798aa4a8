#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace server {

// Where the log's lines are written as text: standard error, or a file to whose end they go, and which others
// may move away or cut off meanwhile. Belongs to one thread, which waits while a pipe is full or the disk is
// busy.
class LogStream {
 public:
  LogStream();  // standard error
  // Throws std::system_error with a sentence where the file cannot be opened.
  explicit LogStream(const std::filesystem::path& file);
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;
  ~LogStream();

  const std::filesystem::path& file() const { return file_; }  // empty: standard error
  // Whether the file's name still leads to what is open.
  bool is_in_place() const;
  // Opens the file of that name, made where there is none, in place of what is open; that stays open where
  // it cannot be done.
  std::error_code open_again();
  // The size of a regular file; of anything else, which is not renamed either, nothing.
  struct Size {
    bool regular = false;
    std::uint64_t bytes = 0;
  };
  Size size() const;
  // How many bytes were written; fewer than there are only with an error.
  struct Written {
    std::size_t bytes = 0;
    std::error_code error;
  };
  Written write(std::string_view text) const;

 private:
  std::filesystem::path file_;
  std::intptr_t handle_;  // of the system
};

}  // namespace server
