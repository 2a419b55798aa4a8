#include "server/accounts/tokens.hpp"

#include <openssl/rand.h>

#include <span>
#include <stdexcept>

#include "conf/tokens.hpp"
#include "storage/files/digest.hpp"

namespace server {

struct Tokens::OfFile {
  std::filesystem::path file;
  std::optional<FileStamp> stamp;
  std::vector<conf::Token> tokens;
};

std::filesystem::path tokens_file(const std::filesystem::path& users_file) {
  return users_file.parent_path() / "tokens.yaml";
}

std::string random_text(std::size_t bytes) {
  constexpr std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto count = (bytes * 8 + 5) / 6;
  std::string text(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("OpenSSL cannot give random numbers");
  for (char& c : text) c = characters[static_cast<unsigned char>(c) % characters.size()];
  return text;
}

std::string make_token() { return "apd_" + random_text(32); }

std::string sha256_of(std::string_view text) {
  storage::Digest digest(storage::DigestKind::sha256);
  digest.update(std::as_bytes(std::span(text.data(), text.size())));
  return digest.hex();
}

// By its digest: how long the comparison takes tells nothing of the token itself.
std::optional<conf::Token> Tokens::find(const std::filesystem::path& file, std::string_view shown) {
  const auto digest = sha256_of(shown);
  const auto known = of_file(file);
  for (const auto& token : known->tokens)
    if (token.sha256 == digest) return token;
  return {};
}

std::shared_ptr<const Tokens::OfFile> Tokens::of_file(const std::filesystem::path& file) {
  const auto stamp = stamp_of(file);
  {
    const std::lock_guard lock(mutex_);
    const bool same = of_file_ && of_file_->file == file && of_file_->stamp && stamp &&
                      !of_file_->stamp->fresh && of_file_->stamp->same_as(*stamp);
    if (same) return of_file_;
  }
  auto read = std::make_shared<const OfFile>(file, stamp, conf::load_tokens(file));
  const std::lock_guard lock(mutex_);
  of_file_ = read;
  return read;
}

}  // namespace server
