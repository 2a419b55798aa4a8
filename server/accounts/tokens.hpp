#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/os/file_stamp.hpp"

namespace conf {
struct Token;
}  // namespace conf

namespace server {

// Beside the users file.
std::filesystem::path tokens_file(const std::filesystem::path& users_file);

// "apd_" and 43 characters of 32 random bytes. Any thread.
std::string make_token();
// The SHA-256 of any text, in hex.
std::string sha256_of(std::string_view text);
// So many random bytes, as letters, digits, "-" and "_". Throws std::runtime_error where there are none.
std::string random_text(std::size_t bytes);

// Finds whose token somebody shows. What the file holds is kept until its stat says that it has changed. On
// any thread, several at a time. Blocks: for a worker.
class Tokens {
 public:
  // Nothing: nobody's. Throws conf::ConfigError for a file that is wrong.
  std::optional<conf::Token> find(const std::filesystem::path& file, std::string_view shown);

 private:
  struct OfFile;
  std::shared_ptr<const OfFile> of_file(const std::filesystem::path& file);

  std::mutex mutex_;  // for the pointer
  std::shared_ptr<const OfFile> of_file_;
};

}  // namespace server
