#include "server/accounts/password.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <vector>

namespace server {
namespace {

using Bytes = std::vector<unsigned char>;

struct Cost {
  unsigned ln = 14, r = 8, p = 5;  // OWASP's equivalent of 2^17, 8, 1 in an eighth of the memory
};
constexpr std::size_t salt_size = 16, hash_size = 32;
constexpr std::size_t least_hash_size =
    16;  // a shorter one, cut off by accident, would be opened by guessing
constexpr std::uint64_t most_memory = 256ULL << 20;  // a hash in a file must not take the machine

// EVP_EncodeBlock pads; PHC strings do not.
std::string encode(const Bytes& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       bytes.data(), static_cast<int>(bytes.size()))));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<Bytes> decode(std::string text) {
  const auto padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  Bytes bytes(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0 || static_cast<std::size_t>(size) < padding) return {};
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

std::optional<Bytes> scrypt(std::string_view password, const Bytes& salt, const Cost& cost,
                            std::size_t size) {
  Bytes out(size);
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), std::uint64_t{1} << cost.ln,
                     cost.r, cost.p, most_memory, out.data(), out.size()) != 1) {
    return {};
  }
  return out;
}

struct Parsed {
  Cost cost;
  Bytes salt, hash;
};

std::optional<Parsed> parse(const std::string& text) {
  Parsed parsed;
  std::array<char, 128> salt{}, hash{};
  int end = 0;
  if (std::sscanf(text.c_str(), "$scrypt$ln=%2u,r=%3u,p=%3u$%127[^$]$%127[^$]%n", &parsed.cost.ln,
                  &parsed.cost.r, &parsed.cost.p, salt.data(), hash.data(), &end) != 5 ||
      static_cast<std::size_t>(end) != text.size() || parsed.cost.ln >= 32) {
    return {};
  }
  auto salt_bytes = decode(salt.data());
  auto hash_bytes = decode(hash.data());
  if (!salt_bytes || !hash_bytes || hash_bytes->size() < least_hash_size) return {};
  parsed.salt = std::move(*salt_bytes);
  parsed.hash = std::move(*hash_bytes);
  return parsed;
}

}  // namespace

std::string hash_password(std::string_view password) {
  Bytes salt(salt_size);
  const Cost cost;
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1)
    throw std::runtime_error("OpenSSL cannot give random numbers");
  const auto hash = scrypt(password, salt, cost, hash_size);
  if (!hash) throw std::runtime_error("not enough memory to hash a password");
  return fmt::format("$scrypt$ln={},r={},p={}${}${}", cost.ln, cost.r, cost.p, encode(salt), encode(*hash));
}

bool verify_password(std::string_view password, const std::string& hash) {
  const auto known = parse(hash);
  const auto wanted = known.value_or(Parsed{{}, Bytes(salt_size), Bytes(hash_size)});
  const auto got = scrypt(password, wanted.salt, wanted.cost, wanted.hash.size());
  return got && CRYPTO_memcmp(got->data(), wanted.hash.data(), got->size()) == 0 && known;
}

// By copying, for a short text is copied even when it is moved; then what it came in goes.
Secret::Secret(std::string text) : text_(text) { OPENSSL_cleanse(text.data(), text.capacity()); }

void Secret::wipe() { OPENSSL_cleanse(text_.data(), text_.capacity()); }

}  // namespace server
