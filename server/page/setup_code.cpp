#include "server/page/setup_code.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace server {
namespace {

constexpr std::string_view letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";  // 32: without I, O, 0 and 1
constexpr std::size_t length = 8, half = 4;

std::string plain(std::string_view typed) {
  std::string text;
  for (const char c : typed) {
    if (c == '-' || c == ' ') continue;
    text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

}  // namespace

void SetupCode::make() {
  std::array<unsigned char, length> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw std::runtime_error("OpenSSL cannot give random numbers");
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    if (i == half) text += '-';
    text += letters[random.at(i) % letters.size()];
  }
  code_ = std::move(text);
}

bool SetupCode::is(std::string_view typed) const {
  if (!code_) return false;
  const auto wanted = plain(*code_), got = plain(typed);
  return got.size() == wanted.size() && CRYPTO_memcmp(got.data(), wanted.data(), wanted.size()) == 0;
}

}  // namespace server
