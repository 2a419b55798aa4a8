#include "server/certificates/served_certificate.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/host_name.hpp>
#include <chrono>
#include <cstdint>
#include <exception>

#include "conf/settings.hpp"
#include "server/certificates/certificate.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/os/addresses.hpp"
#include "storage/depot/depot.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto renewal_pause = 24h;
// A handshake takes half a dozen. What comes after it holds the loop, for OpenSSL takes all that wait in one
// call: 60,000 new keys, which a client may send at once, took 870 ms.
constexpr std::uintptr_t most_records_without_data = 64;

int place_of_count() {
  static const int place = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return place;
}

// OpenSSL's message callback. TLS 1.3 says what a record holds only inside of it.
void count_record(int sent, int, int type, const void* data, std::size_t size, SSL* ssl, void*) {
  const bool tells = type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE;
  if (sent || !tells || size == 0 || *static_cast<const unsigned char*>(data) == SSL3_RT_APPLICATION_DATA)
    return;
  const auto count = reinterpret_cast<std::uintptr_t>(::SSL_get_ex_data(ssl, place_of_count())) + 1;
  ::SSL_set_ex_data(ssl, place_of_count(), reinterpret_cast<void*>(count));
  if (count > most_records_without_data) ::SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

ServedCertificate::Context context_of(const Certificate& certificate) {
  auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_server);
  auto* const native = context->native_handle();
  ::SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  ::SSL_CTX_set_mode(
      native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // All clients have one of them. With ffdhe8192, which OpenSSL offers too, a handshake took 170 ms.
  ::SSL_CTX_set1_groups_list(native, "X25519:P-256:P-384");
  ::SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // 20,000 of them, of anybody
  ::SSL_CTX_set_msg_callback(native, count_record);
  context->use_certificate_chain(net::buffer(certificate.chain));
  context->use_private_key(net::buffer(certificate.key), net::ssl::context::pem);
  return context;
}

}  // namespace

struct ServedCertificate::Loaded {
  Context context;
  std::string fingerprint, ends, trouble;
  std::optional<std::chrono::sys_seconds> ends_at;
};

// For a worker.
ServedCertificate::Loaded ServedCertificate::read(const conf::Web& web, const std::filesystem::path& state) {
  try {
    CertificateNames names;
    error_code error;
    names.host = net::ip::host_name(error);
    names.names = web.names;
    for (const auto& address : own_addresses()) names.addresses.push_back(address.to_string());
    const bool given = web.certificate && web.key;
    const auto certificate =
        given ? load_certificate(*web.certificate, *web.key) : load_or_make_certificate(state, names);
    return {context_of(certificate),
            certificate.fingerprint,
            certificate.ends(),
            {},
            given ? std::optional(certificate.ends_at) : std::nullopt};
  } catch (const std::exception& e) {
    return {nullptr, {}, {}, e.what(), {}};
  }
}

void ServedCertificate::load() {
  if (!wanted_) return;
  lanes_.disk.run([web = settings_->web, state = depot_.state()] { return read(web, state); },
                  [this](const std::optional<Loaded>& loaded) {
                    if (loaded) use(*loaded);
                  });
  renewal_.expires_after(renewal_pause);
  renewal_.async_wait([this](error_code error) {
    if (!error) load();
  });
}

void ServedCertificate::use(const Loaded& loaded) {
  if (!loaded.trouble.empty())
    return events_.warn(
        Warning::certificate,
        fmt::format("HTTPS {}: {}", context_ ? "has its old certificate" : "is not served", loaded.trouble));
  context_ = loaded.context;
  ends_at_ = loaded.ends_at;
  if (when_loaded_) when_loaded_();
  if (fingerprint_ == loaded.fingerprint) return;
  fingerprint_ = loaded.fingerprint;
  events_.warn(Warning::certificate,
               fmt::format("the certificate for HTTPS ends {}; a browser shows SHA-256 {}", loaded.ends,
                           fingerprint_));
}

}  // namespace server
