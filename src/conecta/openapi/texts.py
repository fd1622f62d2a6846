"""What the document says in prose, in Spanish."""

from typing import Any

from conecta.auth.scopes import SENTENCES

TITLE = "ServiciosConecta"
SUMMARY = "API pública de despachos y firmas de servicios profesionales."
SERVER = "Esta instalación"

DESCRIPTION = """\
Clientes, expedientes, usuarios, claves de API, eventos y webhooks de una firma, en JSON sobre HTTPS.

**Credencial.** Envía `Authorization: Bearer sk_live_cnt_…`. La clave decide la firma; `X-Tenant-ID` puede
faltar, y si viene tiene que ser la suya. Una clave `sk_test_cnt_…` trabaja en el entorno de pruebas de la
firma, con datos aparte. Cada operación dice qué permiso exige.

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
    "Usuarios": "Los miembros de la firma, a quienes se asignan expedientes.",
    "Webhooks": "Direcciones que reciben los eventos de la firma, sus entregas y su salud.",
    "Eventos": "Lo que ha pasado en la firma: lista, canal por cursor y catálogo.",
    "Claves de API": "Credenciales de servidor a servidor.",
    "Cuenta": "El plan de la firma y lo que lleva gastado.",
}
WEBHOOKS_TAG = "Webhooks"

API_KEY = "ApiKey"
SECURITY_SCHEMES: dict[str, Any] = {
    API_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "sk_live_cnt_… / sk_test_cnt_…",
        "description": "Clave de API. Permisos que puede tener:\n\n"
        + "\n".join(f"- `{scope}`: {sentence.es}" for scope, sentence in SENTENCES.items()),
    }
}
