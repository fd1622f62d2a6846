"""What the document says in prose, in Spanish."""

from typing import Any

from conecta.auth.scopes import SEED_SCOPES, SENTENCES

TITLE = "ServiciosConecta"
SUMMARY = "API pública de despachos y firmas de servicios profesionales."
SERVER = "Esta instalación"

DESCRIPTION = """\
Clientes, expedientes, usuarios, claves de API, eventos y webhooks de una firma, en JSON sobre HTTPS.

**Credencial.** Envía `Authorization: Bearer` y una clave `sk_live_cnt_…`, o un token de acceso OAuth2. La
credencial decide la firma; `X-Tenant-ID` puede faltar, y si viene tiene que ser la suya. Una clave
`sk_test_cnt_…` trabaja en el entorno de pruebas de la firma, con datos aparte. Cada operación dice qué
permiso exige.

**Errores.** Siempre `application/problem+json` (RFC 9457): `code` es estable y para programas, `detail` y
`errors` explican qué corregir, en español o, con `Accept-Language: en`, en inglés. El `type` de cada error
lleva a su página.

**Listas.** `{"data": […], "has_more": …, "next_cursor": …}`. La página siguiente se pide con `cursor`, igual
a `next_cursor`, o con la URL de la cabecera `Link`. Un parámetro desconocido es un 400, no un silencio.

**Reintentos.** Con `Idempotency-Key` un POST repetido durante 24 horas devuelve la primera respuesta y no
actúa dos veces.

**Versiones de un recurso.** Toda lectura lleva `ETag`. `If-None-Match` responde 304 sin gastar límite;
`If-Match` impide pisar cambios ajenos (412).

**Límites.** Por firma y plan, en el minuto de reloj y en el día UTC. Todas las respuestas dicen cuánto queda,
en `X-RateLimit-*` (la ventana más estrecha) y en `RateLimit`/`RateLimit-Policy` (las dos).

**Identificadores y fechas.** Los identificadores son textos con prefijo (`cli_…`, `cas_…`) y se ordenan por
antigüedad; en las rutas también vale el UUID desnudo. Las fechas van en UTC y segundos enteros, con `Z`.
Los importes son enteros en la unidad menor de la moneda (`125000` y `EUR` son 1.250,00 €).
"""

TAGS = {
    "Expedientes": "Los asuntos que lleva la firma: numeración, estados, actividad, notas y categorías.",
    "Clientes": "Las personas y empresas para las que trabaja la firma.",
    "Citas": "Reservas de servicios y citas libres: retener una hora, confirmar, cambiar, desenlace.",
    "Calendario": "La agenda de la firma, y direcciones para seguirla desde un programa de calendario.",
    "Usuarios": "Los miembros de la firma, a quienes se asignan expedientes.",
    "Webhooks": "Direcciones que reciben los eventos de la firma, sus entregas y su salud.",
    "Eventos": "Lo que ha pasado en la firma: lista, canal por cursor y catálogo.",
    "Claves de API": "Credenciales de servidor a servidor.",
    "Aplicaciones OAuth": "Aplicaciones que actúan en nombre de quien las autoriza.",
    "Servicios y salas": "Qué se puede reservar: duración, precio, reglas, quién lo da y en qué sala.",
    "Disponibilidad": "Horarios, fechas con horario propio, ausencias, festivos y el tiempo libre que dejan.",
    "Consultas": "Lo que pregunta quien aún no es cliente, y el cliente o expediente en que se convierte.",
    "Reseñas": "La opinión de los clientes: petición por correo, moderación y respuesta.",
    "Web del despacho": "La página pública de la firma y las claves publicables de su propia web.",
    "Web pública": "Lo que puede llamar la web de la firma, en nombre de cualquiera que la visite.",
    "Mensajes": "El correo y los SMS de la firma; en el entorno de pruebas nada se envía y todo se lee aquí.",
    "Auditoría": "Quién hizo qué y desde dónde, durante dos años; nadie puede cambiarlo.",
    "Peticiones": "Las llamadas a la API de la firma durante 30 días, con datos enmascarados.",
    "Cuenta": "El plan de la firma y lo que lleva gastado.",
}
WEBHOOKS_TAG = "Webhooks"

API_KEY = "ApiKey"
OAUTH = "OAuth2"
PUBLISHABLE_KEY = "PublishableKey"


def security_schemes(base_url: str) -> dict[str, Any]:
    """Return the ways to come in, for a server at this address."""
    granted = {scope.value: SENTENCES[scope].es for scope in SEED_SCOPES}
    token = {"tokenUrl": f"{base_url}/oauth/token", "scopes": granted}
    code = {"authorizationUrl": f"{base_url}/oauth/authorize", "refreshUrl": f"{base_url}/oauth/token"}
    # The reference asks for them in this order, and most who come have a key.
    return {
        API_KEY: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "sk_live_cnt_… / sk_test_cnt_…",
            "description": "Clave de API. Permisos que puede tener:\n\n"
            + "\n".join(f"- `{scope}`: {sentence.es}" for scope, sentence in SENTENCES.items()),
        },
        OAUTH: {
            "type": "oauth2",
            "description": "Token de acceso de una aplicación, en nombre de quien la autorizó"
            " (authorization_code, con PKCE S256) o de la propia firma (client_credentials). Caduca en una"
            " hora. Metadatos: `/.well-known/oauth-authorization-server`.",
            "flows": {"authorizationCode": {**code, **token}, "clientCredentials": token},
        },
        PUBLISHABLE_KEY: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "pk_live_cnt_… / pk_test_cnt_…",
            "description": "Clave publicable: puede ir en el código de la web de la firma. Solo abre"
            " `/public/*` y solo se admite desde los orígenes de la clave (cabecera `Origin`).",
        },
    }
