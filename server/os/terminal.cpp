#include "server/os/terminal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

namespace server {

// OpenSSL's own prompt: it shows again what is typed afterwards, whatever signal ends it.
std::optional<std::string> ask_secret(const std::string& prompt) {
  std::array<char, 1024> answer{};
  const int failed =
      ::EVP_read_pw_string_min(answer.data(), 0, static_cast<int>(answer.size()) - 1, prompt.c_str(), 0);
  std::optional<std::string> secret;
  if (failed == 0) secret = answer.data();
  ::OPENSSL_cleanse(answer.data(), answer.size());
  return secret;
}

}  // namespace server
