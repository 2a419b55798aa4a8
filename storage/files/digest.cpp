#include "storage/files/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>
#include <stdexcept>
#include <string_view>

#include "storage/files/whole_file.hpp"

namespace storage {
namespace {

struct Algorithm {
  const char* name;
  std::size_t length;
  const EVP_MD* (*method)();
};

const Algorithm& algorithm(DigestKind kind) {
  static constexpr std::array<Algorithm, 3> all{
      {{"SHA-256", 64, EVP_sha256}, {"SHA-512", 128, EVP_sha512}, {"MD5", 32, EVP_md5}}};
  return all[static_cast<std::size_t>(kind)];
}

// OpenSSL refuses only when it is broken, out of memory or forbidden to know MD5: nothing that a caller could
// fix.
void must(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL cannot compute a digest");
}

}  // namespace

const char* digest_name(DigestKind kind) { return algorithm(kind).name; }

std::size_t digest_length(DigestKind kind) { return algorithm(kind).length; }

Digest::Digest(DigestKind kind) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  if (!context_) throw std::bad_alloc();
  must(EVP_DigestInit_ex(context_.get(), algorithm(kind).method(), nullptr));
}

Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> bytes) {
  must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  must(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
  std::string text;
  text.reserve(2 * size);
  for (const auto byte : std::span(digest).first(size))
    text.append(1, "0123456789abcdef"[byte >> 4]).append(1, "0123456789abcdef"[byte & 15]);
  return text;
}

std::vector<std::string> digests_of(const File& file, std::initializer_list<DigestKind> kinds,
                                    const std::function<void(std::uint64_t)>& read) {
  std::vector<std::unique_ptr<Digest>> digests;
  for (const auto kind : kinds) digests.push_back(std::make_unique<Digest>(kind));
  read_whole(file, [&](std::span<const std::byte> bytes) {
    for (auto& digest : digests) digest->update(bytes);
    if (read) read(bytes.size());
  });
  std::vector<std::string> hex;
  for (auto& digest : digests) hex.push_back(digest->hex());
  return hex;
}

}  // namespace storage
