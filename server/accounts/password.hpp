#pragma once
#include <string>
#include <string_view>

namespace server {

// Password hashes by scrypt (RFC 7914), in the form `$scrypt$ln=14,r=8,p=5$SALT$HASH` with unpadded base64.
// One takes a tenth of a second and 16 MiB: for a worker.
std::string hash_password(std::string_view password);
// False also for a hash that is no hash. Always does the work, so that the time taken tells nothing: an empty
// `hash` stands for a user that does not exist or has no password.
bool verify_password(std::string_view password, const std::string& hash);

// A text that is overwritten when it goes.
class Secret {
 public:
  explicit Secret(std::string text);
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&&) = delete;
  ~Secret() { wipe(); }
  const std::string& text() const { return text_; }

 private:
  void wipe();
  std::string text_;
};

}  // namespace server
