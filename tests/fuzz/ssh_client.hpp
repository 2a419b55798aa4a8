#pragma once
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/require.hpp"

namespace fuzz {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PrivateKeyUse = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using CipherUse = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using DigestUse = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

inline unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
inline const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The fields of RFC 4251 5.
class SshFields {
 public:
  SshFields() = default;
  explicit SshFields(std::uint8_t message) { byte(message); }
  SshFields& byte(std::uint8_t value) {
    text_ += static_cast<char>(value);
    return *this;
  }
  SshFields& u32(std::uint64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) byte(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  SshFields& u64(std::uint64_t value) { return u32(value >> 32).u32(value); }
  SshFields& string(std::string_view text) {
    u32(text.size());
    return raw(text);
  }
  SshFields& mpint(std::string_view positive) {
    positive.remove_prefix(std::min(positive.find_first_not_of('\0'), positive.size()));
    const bool high = !positive.empty() && (positive[0] & 0x80) != 0;
    return string(std::string(high ? 1 : 0, '\0').append(positive));
  }
  SshFields& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline std::uint32_t u32_at(std::string_view text, std::size_t place) {
  require(text.size() >= place + 4, "what the server sends is whole");
  std::uint32_t value = 0;
  for (std::size_t i = place; i < place + 4; ++i) value = value << 8 | static_cast<std::uint8_t>(text[i]);
  return value;
}

// The string field at `place`, which moves on to the next field.
inline std::string string_at(std::string_view text, std::size_t& place) {
  const auto size = u32_at(text, place);
  require(text.size() - place - 4 >= size, "what the server sends is whole");
  place += 4 + size;
  return std::string(text.substr(place - size, size));
}

inline std::string sha256(std::string_view text) {
  std::string digest(32, '\0');
  EVP_Digest(text.data(), text.size(), octets(digest), nullptr, EVP_sha256(), nullptr);
  return digest;
}

// Of an elliptic curve, from its 32 bytes.
inline PrivateKey private_key(int type, std::string_view bytes) {
  return PrivateKey(EVP_PKEY_new_raw_private_key(type, nullptr, octets(bytes), bytes.size()));
}

inline std::string public_part(const PrivateKey& key) {
  std::string bytes(32, '\0');
  auto size = bytes.size();
  EVP_PKEY_get_raw_public_key(key.get(), octets(bytes), &size);
  return bytes;
}

inline std::string ed25519_blob(const PrivateKey& key) {
  return SshFields().string("ssh-ed25519").string(public_part(key)).text();
}

inline std::string ed25519_signature(const PrivateKey& key, std::string_view text) {
  std::string bytes(64, '\0');
  auto size = bytes.size();
  const DigestUse use(EVP_MD_CTX_new());
  EVP_DigestSignInit(use.get(), nullptr, nullptr, nullptr, key.get());
  EVP_DigestSign(use.get(), octets(bytes), &size, octets(text), text.size());
  return SshFields().string("ssh-ed25519").string(bytes).text();
}

// AES-128-GCM as in RFC 5647, of one direction.
class PacketCipher {
 public:
  PacketCipher(std::string key, std::string iv, bool encrypts)
      : key_(std::move(key)), iv_(std::move(iv)), use_(EVP_CIPHER_CTX_new()), encrypts_(encrypts) {}

  static constexpr std::size_t tag = 16;

  // `body` is replaced. False when its tag is wrong.
  bool run(std::string_view length, std::string& body) {
    int count = 0;
    EVP_CipherInit_ex(use_.get(), EVP_aes_128_gcm(), nullptr, octets(key_), octets(iv_), encrypts_);
    if (!encrypts_) {
      auto theirs = body.substr(body.size() - tag);
      body.resize(body.size() - tag);
      EVP_CIPHER_CTX_ctrl(use_.get(), EVP_CTRL_GCM_SET_TAG, tag, theirs.data());
    }
    EVP_CipherUpdate(use_.get(), nullptr, &count, octets(length), static_cast<int>(length.size()));
    EVP_CipherUpdate(use_.get(), octets(body), &count, octets(body), static_cast<int>(body.size()));
    const bool good = EVP_CipherFinal_ex(use_.get(), octets(body), &count) == 1;
    if (encrypts_) {
      std::string ours(tag, '\0');
      EVP_CIPHER_CTX_ctrl(use_.get(), EVP_CTRL_GCM_GET_TAG, tag, ours.data());
      body += ours;
    }
    for (std::size_t i = iv_.size(); i-- > 4 && ++iv_[i] == 0;) continue;
    return good;
  }

 private:
  std::string key_, iv_;
  CipherUse use_;
  bool encrypts_;
};

// The client's side of SSH's transport (RFC 4253), from bytes to bytes: curve25519-sha256 and
// aes128-gcm@openssh.com, and whatever packets it is given. Whom it talks to it does not ask.
class SshClient {
 public:
  enum Message : std::uint8_t {
    disconnect = 1,
    service_request = 5,
    kexinit = 20,
    newkeys = 21,
    ecdh_init = 30,
    ecdh_reply = 31,
    userauth_request = 50
  };

  void begin() { out_ += version + std::string("\r\n"); }

  // Its part of a key exchange; the answers of the server bring about the rest.
  void exchange_keys() {
    if (!our_offer_.empty()) garbled_ = true;  // one is under way
    our_offer_ = offer();
    send(our_offer_);
  }

  void send(std::string_view payload) {
    const std::size_t block = encrypts_ ? 16 : 8;
    const auto head = (encrypts_ ? 1 : 5) + payload.size();
    const auto padding = (block - (head + 4) % block) % block + 4;
    const auto length = SshFields().u32(1 + payload.size() + padding).text();
    auto body = SshFields().byte(static_cast<std::uint8_t>(padding)).raw(payload).text();
    body.append(padding, '\0');
    if (encrypts_) encrypts_->run(length, body);
    out_ += length + body;
  }

  // From here on nobody can tell how the two understand each other.
  void send_raw(std::string_view bytes) {
    out_ += bytes;
    garbled_ = true;
  }
  void garbled() { garbled_ = true; }

  std::string take_output() { return std::exchange(out_, {}); }

  // Takes what came. The payloads that are not the transport's own wait in packets().
  void feed(std::string_view bytes) {
    if (garbled_) return;
    in_ += bytes;
    while (!garbled_ && take_packet()) continue;
  }
  std::vector<std::string>& packets() { return packets_; }

  bool greeted() const { return their_version_.starts_with("SSH-2.0-"); }
  const std::string& session_id() const { return session_id_; }  // empty before the first exchange is done
  bool secret() const { return encrypts_ && decrypts_; }

 private:
  static constexpr auto version = "SSH-2.0-fuzz";
  static constexpr std::size_t longest_packet = 256 << 10;

  static std::string offer() {
    SshFields fields(kexinit);
    fields.raw(std::string(16, 'c'));
    for (const auto* names :
         {"curve25519-sha256", "ssh-ed25519", "aes128-gcm@openssh.com", "aes128-gcm@openssh.com",
          "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""})
      fields.string(names);
    return fields.byte(0).u32(0).text();
  }

  bool take_packet() {
    if (their_version_.empty()) return take_version();
    if (in_.size() < 4) return false;
    const auto length = u32_at(in_, 0), rest = length + (decrypts_ ? std::uint32_t{PacketCipher::tag} : 0U);
    require(length >= 5 && length <= longest_packet, "a packet can be read");
    if (in_.size() - 4 < rest) return false;
    auto body = in_.substr(4, rest);
    if (decrypts_) require(decrypts_->run(in_.substr(0, 4), body), "a packet has its tag");
    in_.erase(0, 4 + rest);
    const auto padding = static_cast<std::uint8_t>(body[0]);
    require(body.size() > 1U + padding, "a packet holds something");
    heed(body.substr(1, body.size() - 1 - padding));
    return true;
  }

  bool take_version() {
    const auto end = in_.find("\r\n");
    if (end == in_.npos) return false;
    their_version_ = in_.substr(0, end);
    in_.erase(0, end + 2);
    if (!greeted()) garbled_ = true;  // it has no place for us
    return true;
  }

  void heed(std::string payload) {
    switch (static_cast<std::uint8_t>(payload[0])) {
      case kexinit:
        their_offer_ = std::move(payload);
        if (our_offer_.empty()) exchange_keys();
        ours_ = private_key(EVP_PKEY_X25519, std::string(32, 'x'));
        return send(SshFields(ecdh_init).string(public_part(ours_)).text());
      case ecdh_reply:
        return agree(payload);
      case newkeys:
        if (next_) decrypts_.emplace(std::move(*next_));
        return;
      default:
        packets_.push_back(std::move(payload));
    }
  }

  void agree(std::string_view reply) {
    std::size_t place = 1;
    const auto host_key = string_at(reply, place), theirs = string_at(reply, place);
    require(ours_ && theirs.size() == 32, "the server answers an exchange that is under way");
    const PrivateKey key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, octets(theirs), theirs.size()));
    const PrivateKeyUse use(EVP_PKEY_CTX_new(ours_.get(), nullptr));
    std::string secret(32, '\0');
    auto size = secret.size();
    EVP_PKEY_derive_init(use.get());
    EVP_PKEY_derive_set_peer(use.get(), key.get());
    EVP_PKEY_derive(use.get(), octets(secret), &size);
    const auto shared = SshFields().mpint(secret).text();
    SshFields all;
    for (const auto& text : {std::string(version), their_version_, our_offer_, their_offer_, host_key,
                             public_part(ours_), theirs})
      all.string(text);
    const auto hash = sha256(all.raw(shared).text());
    if (session_id_.empty()) session_id_ = hash;
    const auto derived = [&](char which, std::size_t length) {
      return sha256(shared + hash + which + session_id_).substr(0, length);
    };
    send(std::string(1, char{newkeys}));
    encrypts_.emplace(derived('C', 16), derived('A', 12), true);
    next_.emplace(derived('D', 16), derived('B', 12), false);
    ours_.reset();
    our_offer_.clear();
  }

  std::string in_, out_, their_version_, our_offer_, their_offer_, session_id_;
  std::vector<std::string> packets_;
  PrivateKey ours_;
  std::optional<PacketCipher> encrypts_, decrypts_, next_;
  bool garbled_ = false;
};

}  // namespace fuzz
