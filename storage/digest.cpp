#include "storage/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>
#include <stdexcept>

namespace storage {
namespace {

// OpenSSL refuses only when it is broken or out of memory: nothing that a caller could mend.
void must(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  if (!context_) throw std::bad_alloc();
  must(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  must(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  must(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  std::string text;
  text.reserve(2 * digest.size());
  for (const auto byte : digest)
    text.append(1, "0123456789abcdef"[byte >> 4]).append(1, "0123456789abcdef"[byte & 15]);
  return text;
}

}  // namespace storage
